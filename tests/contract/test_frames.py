"""What a runtime does with bytes that are no frames, or frames that make no sense: it says so, and gives up cleanly."""

from __future__ import annotations

import json
import struct

import pytest

from agentlet.wire import MAX_BODY_BYTES, MAX_HEADER_BYTES, encode
from tests.contract.driver import Runtime


def _raw(header: bytes, body: bytes = b"") -> bytes:
    return struct.pack("!II", len(header), len(body)) + header + body


HELLO = encode({"t": "hello", "protocol": 1})
JOB = {"t": "job", "id": "j", "attempt": 1, "tasks": []}

BAD = {
    "not JSON": HELLO + _raw(b"{no"),
    "not an object": HELLO + _raw(b"[1]"),
    "no type": HELLO + _raw(b'{"a":1}'),
    "an unknown type": HELLO + encode({"t": "dance"}),
    "a number that is not one": HELLO + _raw(b'{"t":"ack","job":NaN}'),
    "header announced too large": HELLO + struct.pack("!II", MAX_HEADER_BYTES + 1, 0),
    "body announced too large": HELLO + struct.pack("!II", 10, MAX_BODY_BYTES + 1),
    "empty header": HELLO + struct.pack("!II", 0, 0),
    "nested too deep": HELLO + _raw(b'{"t":"job","x":' + b"[" * 200 + b"]" * 200 + b"}"),
    "deep enough to end a parser": HELLO + _raw(b'{"t":"job","x":' + b"[" * 500000 + b"]" * 500000 + b"}"),
    "no hello first": encode(JOB),
    "another protocol": encode({"t": "hello", "protocol": 99}),
    "a job without an id": HELLO + encode({"t": "job", "tasks": []}),
    "a task without a module": HELLO + encode({**JOB, "tasks": [{"id": "t"}]}),
    "tasks that are no list": HELLO + encode({**JOB, "tasks": 5}),
    "a deadline that is no number": HELLO + encode({**JOB, "deadline_s": "soon"}),
    "a source that is no zlib": HELLO + encode({"t": "source", "name": "modules.x"}, b"plain"),
    "a source that grows": HELLO
    + encode({"t": "source", "name": "modules.x"}, __import__("zlib").compress(b" " * 50_000_000)),
    "a source of the runtime's own": HELLO
    + encode({"t": "source", "name": "agentlet.wire"}, __import__("zlib").compress(b"")),
    "not ASCII": HELLO + _raw(json.dumps({"t": "ack", "job": "ü"}, ensure_ascii=False).encode()),
}


@pytest.mark.parametrize("data", BAD.values(), ids=list(BAD))
def test_nonsense_is_a_fault_and_the_end(newest: str, data: bytes) -> None:
    runtime = Runtime(newest, hello=False)
    try:
        runtime.write(data)
    except BrokenPipeError:
        pass
    faults = [header for header, _ in runtime.drain() if header["t"] == "fault"]
    assert [fault["code"] for fault in faults] == ["protocol"]
    assert runtime.process.wait(20) == 0


def test_a_cut_frame_at_the_end_is_only_an_end(newest: str) -> None:
    runtime = Runtime(newest)
    runtime.write(encode(JOB)[:-3])
    assert runtime.close() == 0


def test_frames_for_jobs_that_are_not_there_are_dropped(newest: str) -> None:
    with Runtime(newest) as runtime:
        for kind in ("blob", "blob_error", "credit", "cancel", "ack"):
            runtime.send({"t": kind, "job": "nobody", "digest": "", "stream": "", "bytes": 1})
        assert runtime.run().status == "ok"
