"""What a run and the keeper of a line say to each other, byte by byte."""

from __future__ import annotations

import pytest

from orchestrator.carriers.kept.frames import HEAD, MAX_BODY, Decoder, FrameError, Kind, encode

FRAMES = [
    ("without a body", [(Kind.ATTACH, b"")]),
    ("one", [(Kind.OPEN, b"echo \xff")]),
    ("several", [(Kind.OUTPUT, b"a" * 1000), (Kind.STATUS, b"\0\0\0\1"), (Kind.CLOSED, b"")]),
    ("the longest", [(Kind.INPUT, bytes(MAX_BODY))]),
]


@pytest.mark.parametrize("frames", [row[1] for row in FRAMES], ids=[row[0] for row in FRAMES])
@pytest.mark.parametrize("piece", [1, 3, 7, 1 << 20])
def test_frames_come_out_as_they_went_in_however_they_are_cut(frames: list[tuple[Kind, bytes]], piece: int) -> None:
    if piece < 7 and len(frames[0][1]) > 1000:
        piece *= 1000
    data = b"".join(encode(kind, body) for kind, body in frames)
    decoder = Decoder()
    found = [frame for start in range(0, len(data), piece) for frame in decoder.feed(data[start : start + piece])]
    assert found == frames


def test_long_data_travels_as_several_frames() -> None:
    data = bytes(range(256)) * (MAX_BODY // 100)
    found = Decoder().feed(encode(Kind.INPUT, data))
    assert len(found) > 1 and {kind for kind, _ in found} == {Kind.INPUT}
    assert b"".join(body for _, body in found) == data


@pytest.mark.parametrize("data", [b"\0" * 5, b"SSH-2.0-x", HEAD.pack(Kind.INPUT, MAX_BODY + 1)],
                         ids=["no kind", "another protocol", "too long"])
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(FrameError):
        Decoder().feed(data)
