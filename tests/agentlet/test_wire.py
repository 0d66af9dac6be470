"""Frames survive any cutting; anything that is not a frame is an error and never more than that."""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlet.wire import (
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    MAX_NESTING,
    Decoder,
    EventDigest,
    WireError,
    encode,
    header_bytes,
)

# Lone surrogates are what bytes become that are no UTF-8: they must survive.
TEXT = st.text(st.characters() | st.characters(categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)
HEADERS = st.builds(
    lambda t, rest: {"t": t, **{k: v for k, v in rest.items() if k != "t"}},
    TEXT,
    st.dictionaries(TEXT, JSON, max_size=5),
)
FRAMES = st.lists(st.tuples(HEADERS, st.binary(max_size=50)), max_size=5)


def normal(header: dict[str, Any]) -> Any:
    """What JSON makes of it: two surrogates that stand together are one character."""
    return json.loads(json.dumps(header))


@given(FRAMES, st.data())
def test_frames_come_out_as_they_went_in_however_they_are_cut(
    frames: list[tuple[dict[str, Any], bytes]], data: Any
) -> None:
    stream = b"".join(encode(header, body) for header, body in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    decoder, out = Decoder(), []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        out += decoder.feed(stream[begin:end])
    assert out == [(normal(header), body) for header, body in frames]
    assert decoder.pending == 0


@given(HEADERS, st.binary(max_size=50), st.integers(min_value=1))
def test_a_cut_frame_is_held_and_never_half_given(header: dict[str, Any], body: bytes, cut: int) -> None:
    data = encode(header, body)
    decoder = Decoder()
    assert decoder.feed(data[: -(cut % len(data)) or None][: len(data) - 1]) == []
    assert len(data) > decoder.pending


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_any_bytes_are_frames_or_a_wire_error(data: bytes) -> None:
    try:
        for header, body in Decoder().feed(data):
            assert isinstance(header["t"], str) and isinstance(body, bytes)
    except WireError:
        pass


@given(st.binary(min_size=1, max_size=200))
@settings(max_examples=300)
def test_any_bytes_as_a_header_are_one_or_a_wire_error(head: bytes) -> None:
    try:
        ((header, _),) = Decoder().feed(struct.pack("!II", len(head), 0) + head)
        assert isinstance(header["t"], str)
    except WireError:
        pass


@given(st.lists(HEADERS, max_size=4))
def test_both_sides_compute_the_same_digest(headers: list[dict[str, Any]]) -> None:
    sender, receiver, decoder = EventDigest(), EventDigest(), Decoder()
    for header in headers:
        sender.add(header_bytes(header))
        ((arrived, _, head),) = decoder.frames(encode(header))
        receiver.add(head)
        assert header_bytes(arrived) == head
    assert sender.hexdigest() == receiver.hexdigest()
    assert sender.hexdigest() == hashlib.sha256(b"".join(map(header_bytes, headers))).hexdigest()


def nested(depth: int) -> bytes:
    return b'{"t":"x","v":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize(("depth", "good"), [(MAX_NESTING, True), (MAX_NESTING + 1, False), (100_000, False)])
def test_nesting_is_bounded_on_both_sides(depth: int, good: bool) -> None:
    head = nested(depth)
    data = struct.pack("!II", len(head), 0) + head
    if good:
        assert len(Decoder().feed(data)) == 1
        assert encode(json.loads(head))
    else:
        with pytest.raises(WireError):
            Decoder().feed(data)


def test_brackets_in_text_are_no_nesting() -> None:
    header = {"t": "x", "v": ['[{"\\' * 500, "]\\", '\\"[']}
    assert Decoder().feed(encode(header)) == [(header, b"")]


BAD_SIZES = [(MAX_HEADER_BYTES + 1, 0), (0, 0), (10, MAX_BODY_BYTES + 1), (0xFFFFFFFF, 0xFFFFFFFF)]


@pytest.mark.parametrize("sizes", BAD_SIZES, ids=str)
def test_sizes_are_refused_before_anything_is_held(sizes: tuple[int, int]) -> None:
    decoder = Decoder()
    with pytest.raises(WireError):
        decoder.feed(struct.pack("!II", *sizes))
    assert decoder.pending == 0
    with pytest.raises(WireError):
        decoder.feed(encode({"t": "x"}))


UNSENDABLE = [
    ({"t": "x", "v": float("nan")}, b""),
    ({"t": "x", "v": {1, 2}}, b""),
    ({"t": "x"}, b"x" * (MAX_BODY_BYTES + 1)),
    ({"t": "x", "v": "x" * MAX_HEADER_BYTES}, b""),
]


@pytest.mark.parametrize(("header", "body"), UNSENDABLE, ids=["nan", "set", "body", "header"])
def test_what_the_other_side_would_refuse_is_not_sent(header: dict[str, Any], body: bytes) -> None:
    with pytest.raises(WireError):
        encode(header, body)
