"""What a session does with a host that breaks the rules: the line is dropped, jobs end, nothing is believed."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from agentlet import wire
from orchestrator.carriers.base import Job, JobEnd, Settings
from orchestrator.carriers.prologue import MAX_BANNER_BYTES
from orchestrator.carriers.session import Session
from orchestrator.errors import ProtocolError, Unreachable

from .probe_modules import sources, task

MARKER = "0123456789abcdef"
READY = {
    "t": "ready", "protocol": wire.PROTOCOL, "python": [3, 11, 2], "platform": "linux", "pid": 7, "user": "u",
    "uid": 1, "home": "/home/u", "receipts": None, "time": 1.5,
}  # fmt: skip


class Host:
    """The other end, played by the test: says what it is told to, and keeps what it was sent."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.frames: list[tuple[dict[str, Any], bytes]] = []
        self.broken: list[Unreachable] = []
        self._decoder = wire.Decoder()
        self.session = Session("web1", MARKER, settings or Settings(sources=sources), self._take, self.broken.append)

    def _take(self, data: bytes) -> None:
        self.frames += self._decoder.feed(data)

    def boot(self) -> None:
        self.session.feed(b"motd\n" + MARKER.encode() + b" ok\n")
        self.say(READY)

    def say(self, header: dict[str, Any], body: bytes = b"") -> None:
        self.session.feed(wire.encode(header, body))

    def sent(self, kind: str) -> list[dict[str, Any]]:
        return [header for header, _ in self.frames if header["t"] == kind]


def event(seq: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"t": "event", "job": "j", "attempt": 1, "seq": seq, "kind": kind, **fields}


async def started(
    host: Host, blobs: dict[str, bytes] | None = None, **how: Any
) -> tuple[asyncio.Task[JobEnd], list[dict[str, Any]]]:
    events: list[dict[str, Any]] = []
    running = asyncio.create_task(host.session.run_job(Job("j", 1, [task("ping")], **how), events.append, blobs, None))
    await asyncio.sleep(0)
    return running, events


async def test_the_banner_is_cut_off_byte_by_byte() -> None:
    host = Host()
    stream = b"Welcome \xff\n" + MARKER.encode() + b" ok\n" + wire.encode(READY)
    for index in range(len(stream)):
        host.session.feed(stream[index : index + 1])
    assert host.session.ready.result().banner == "Welcome �"


@pytest.mark.parametrize(
    ("said", "code"),
    [(b" none\n", "no_python"), (b" old 2.7\n", "python_too_old")],
    ids=["none", "old"],
)
async def test_the_marker_line_tells_why_there_is_no_runtime(said: bytes, code: str) -> None:
    host = Host()
    host.session.feed(MARKER.encode() + said)
    assert host.broken[0].code == code


async def test_a_job_is_sent_with_its_sources_once_and_in_one_go() -> None:
    host = Host()
    host.boot()
    running, _ = await started(host)
    kinds = [header["t"] for header, _ in host.frames]
    assert kinds[-1] == "job" and "source" in kinds
    digest = hashlib.sha256(b"").hexdigest()
    host.say(event(1, "finished", status="ok", count=0, digest=digest))
    assert await running == JobEnd("ok", 0, True)
    sent = len(host.sent("source"))
    again, _ = await started(host)
    assert len(host.sent("source")) == sent
    again.cancel()


async def test_an_ack_travels_with_the_next_job() -> None:
    host = Host()
    host.boot()
    host.session.ack("old", 1)
    assert not host.sent("ack")
    running, _ = await started(host)
    assert host.sent("ack") == [{"t": "ack", "job": "old", "attempt": 1}]
    running.cancel()


async def test_an_ack_that_nothing_takes_along_goes_alone() -> None:
    host = Host()
    host.boot()
    host.session.ack("one", 1)
    host.session.ack("two", 3)
    while not host.sent("ack"):
        await asyncio.sleep(0.05)
    assert [(ack["job"], ack["attempt"]) for ack in host.sent("ack")] == [("one", 1), ("two", 3)]


async def test_an_ack_behind_one_that_was_taken_along_still_goes() -> None:
    host = Host()
    host.boot()
    host.session.ack("one", 1)
    running, _ = await started(host)
    host.session.ack("two", 1)
    while len(host.sent("ack")) < 2:
        await asyncio.sleep(0.05)
    assert [ack["job"] for ack in host.sent("ack")] == ["one", "two"]
    running.cancel()


async def test_a_wrong_digest_is_told() -> None:
    host = Host()
    host.boot()
    running, _ = await started(host)
    host.say(event(1, "started", task="t1"))
    host.say(event(2, "finished", status="ok", count=1, digest="0" * 64))
    assert await running == JobEnd("ok", 1, False)


VIOLATIONS = {
    "a gap in the events": event(2, "started", task="t1"),
    "another attempt": {**event(1, "started", task="t1"), "attempt": 2},
    "a task that was not given": event(1, "result", task="t9"),
    "a task that is no text": event(1, "started", task={"t1": 1}),
    "a result without a task": event(1, "result"),
    "a job that was not given": {**event(1, "started", task="t1"), "job": "other"},
    "a job that is no text": {**event(1, "started", task="t1"), "job": ["j"]},
    "an unknown frame": {"t": "hello"},
    "a second ready": READY,
    "a blob not offered": {"t": "need", "job": "j", "digest": "f" * 64, "credit": 1},
    "a blob without credit": {"t": "need", "job": "j", "digest": "f" * 64},
    "negative credit": {"t": "need", "job": "j", "digest": "f" * 64, "credit": -1},
    "an upload not asked for": {
        "t": "upload",
        "job": "j",
        "stream": "s",
        "offset": 0,
        "size": 1,
        "path": "/x",
        "mode": 0,
    },
    "an upload without a stream": {"t": "upload", "job": "j"},
}


@pytest.mark.parametrize("frame", VIOLATIONS.values(), ids=VIOLATIONS.keys())
async def test_a_host_that_breaks_the_rules_is_dropped(frame: dict[str, Any]) -> None:
    host = Host()
    host.boot()
    running, _ = await started(host)
    host.say(frame)
    with pytest.raises(ProtocolError):
        await running
    assert len(host.broken) == 1 and host.broken[0].code == "protocol"
    host.say(frame)
    assert len(host.broken) == 1


@pytest.mark.parametrize(
    "data",
    [b"\xff" * 64, b"\x00\x00\x00\x05\x00\x00\x00\x00[1,2]", b"\x00\x00\x00\x02\x00\x00\x00\x00{}", b"\x00" * 8],
    ids=["huge lengths", "no object", "no type", "no header"],
)
async def test_rubbish_after_the_boot_drops_the_line(data: bytes) -> None:
    host = Host()
    host.boot()
    host.session.feed(data)
    assert host.broken[0].code == "protocol"


async def test_a_flood_before_the_marker_is_not_kept() -> None:
    host = Host()
    for _ in range(MAX_BANNER_BYTES // 65536 + 2):
        host.session.feed(b"x" * 65536)
    assert host.broken[0].code == "protocol"


@pytest.mark.parametrize("missing", ["protocol", "python", "pid", "user", "uid", "home"])
async def test_an_incomplete_ready_is_refused(missing: str) -> None:
    host = Host()
    host.session.feed(MARKER.encode() + b" ok\n")
    host.say({name: value for name, value in READY.items() if name != missing})
    assert host.broken[0].code == "protocol"


async def test_another_protocol_is_refused() -> None:
    host = Host()
    host.session.feed(MARKER.encode() + b" ok\n")
    host.say({**READY, "protocol": wire.PROTOCOL - 1})
    assert host.broken[0].code == "protocol"


async def test_blobs_stay_within_credit_and_stop_while_the_line_is_full() -> None:
    host = Host()
    host.boot()
    data = b"z" * 1_000_000
    digest = hashlib.sha256(data).hexdigest()
    running, _ = await started(host, {digest: data})
    host.say({"t": "need", "job": "j", "digest": digest, "credit": 300_000})
    assert sum(len(body) for header, body in host.frames if header["t"] == "blob") == 300_000
    host.session.pause_writing()
    host.say({"t": "need", "job": "j", "digest": digest, "credit": 10_000_000})
    assert sum(len(body) for header, body in host.frames if header["t"] == "blob") == 300_000
    host.session.resume_writing()
    blobs = [(header, body) for header, body in host.frames if header["t"] == "blob"]
    assert b"".join(body for _, body in blobs) == data
    assert all(len(body) <= wire.CHUNK_BYTES for _, body in blobs)
    assert [header["last"] for header, _ in blobs] == [False] * (len(blobs) - 1) + [True]
    running.cancel()


async def test_credit_that_crosses_the_last_chunk_starts_nothing() -> None:
    host = Host()
    host.boot()
    digest = hashlib.sha256(b"z").hexdigest()
    running, _ = await started(host, {digest: b"z"})
    host.say({"t": "need", "job": "j", "digest": digest, "credit": 10})
    host.say({"t": "need", "job": "j", "digest": digest, "credit": 10, "more": True})
    assert len(host.sent("blob")) == 1
    host.say({"t": "need", "job": "j", "digest": digest, "credit": 10})
    assert len(host.sent("blob")) == 2, "another task of the job wants it too"
    running.cancel()


async def test_a_blob_that_its_job_left_half_sent_holds_up_no_other() -> None:
    host = Host()
    host.boot()
    digest, other = (hashlib.sha256(data).hexdigest() for data in (b"z" * 20, b"y"))
    running, _ = await started(host, {digest: b"z" * 20})
    host.say({"t": "need", "job": "j", "digest": digest, "credit": 10})
    host.say(event(1, "finished", status="failed", count=0, digest=wire.EventDigest().hexdigest()))
    await running
    again, _ = await started(host, {other: b"y"})
    host.say({"t": "need", "job": "j", "digest": other, "credit": 10})
    assert [header["digest"] for header in host.sent("blob")] == [digest, other]
    again.cancel()


async def test_what_comes_of_a_job_nobody_waits_for_is_passed_over() -> None:
    host = Host()
    host.boot()
    running, events = await started(host)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert host.sent("cancel") == [{"t": "cancel", "job": "j"}]
    host.say(event(1, "started", task="t1"))
    host.say(event(2, "finished", status="cancelled", count=1, digest=""))
    assert not events and not host.broken
    host.say(event(3, "started", task="t1"))
    assert host.broken


async def test_a_fault_of_the_runtime_carries_its_code() -> None:
    host = Host()
    host.boot()
    running, _ = await started(host)
    host.say({"t": "fault", "code": "memory", "message": "no room"})
    with pytest.raises(Unreachable, match="no room") as caught:
        await running
    assert caught.value.code == "memory"
