"""The half of a carrier that needs no transport: frames in, frames out, jobs, files, deadlines.

A `Session` is given bytes (`feed`) and a way to write; it knows neither SSH nor pipes. It trusts nothing it reads:
sizes and nesting are bounded by `agentlet.wire`, and every frame must belong to something that was asked for. What
breaks the rules breaks the line: a host that sends rubbish once cannot be believed afterwards.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from agentlet import wire
from orchestrator.carriers.base import BlobSource, EventHandler, HostInfo, Job, JobEnd, Settings, Uploads
from orchestrator.carriers.blobs import BlobFeed, Upload, blob_error
from orchestrator.carriers.boot_errors import unusable_python
from orchestrator.carriers.payload import parse_boot
from orchestrator.carriers.sources import missing_frames
from orchestrator.errors import ProtocolError, Unreachable

MAX_BANNER_BYTES = 1 << 20
"""How much may be printed before the marker. Login scripts print pages, not megabytes."""
MAX_ORPHANS = 1000
MAX_OPEN_FEEDS = 64
MAX_OPEN_UPLOADS = 64
ACK_DELAY_S = 0.5
"""An ack waits so long for a frame to travel with: alone it would cost a packet of its own."""

Frame = tuple[dict[str, Any], bytes]


class _Running:
    """A job that the host has been given."""

    __slots__ = ("blobs", "cancelled", "digest", "done", "feeds", "job", "on_event", "task_ids", "timer", "uploads",
                 "uploads_open")  # fmt: skip

    def __init__(
        self, job: Job, on_event: EventHandler, blobs: BlobSource, uploads: Uploads | None, done: asyncio.Future[JobEnd]
    ) -> None:
        self.job = job
        self.on_event = on_event
        self.blobs = blobs
        self.uploads = uploads
        self.done = done
        self.digest = wire.EventDigest()
        self.task_ids = frozenset(task["id"] for task in job.tasks)
        self.feeds: dict[str, BlobFeed] = {}
        self.uploads_open: dict[str, Upload] = {}
        self.timer: asyncio.TimerHandle | None = None
        self.cancelled = False

    def end(self, outcome: JobEnd | BaseException) -> None:
        """Release everything and wake whoever waits."""
        if self.timer:
            self.timer.cancel()
        for feed in self.feeds.values():
            feed.close()
        for upload in self.uploads_open.values():
            upload.abort()
        if self.done.done():
            return
        if isinstance(outcome, JobEnd):
            self.done.set_result(outcome)
        else:
            self.done.set_exception(outcome)


class Session:
    """One runtime's frames. ``write`` sends bytes; ``broken`` is called once when the line must be dropped."""

    def __init__(
        self,
        host: str,
        marker: str,
        settings: Settings,
        write: Callable[[bytes], None],
        broken: Callable[[Unreachable], None],
    ) -> None:
        self.host = host
        self.error: Unreachable | None = None
        self.ready: asyncio.Future[HostInfo] = asyncio.get_running_loop().create_future()
        self.ready.add_done_callback(_consume)
        self._settings = settings
        self._write = write
        self._broken = broken
        self._loop = asyncio.get_running_loop()
        self._marker = marker
        self._banner: bytearray | None = bytearray()
        self._banner_text = ""
        self._decoder = wire.Decoder()
        self._jobs: dict[str, _Running] = {}
        self._orphans: set[str] = set()
        self._sent: set[str] = set()
        self._feeds: deque[BlobFeed] = deque()
        self._paused = False
        self._acks: list[bytes] = []
        self._ack_timer: asyncio.TimerHandle | None = None
        self._keep_timer: asyncio.TimerHandle | None = None

    # --- what the carrier calls

    def hello(self) -> bytes:
        """The first frame, to be sent behind the boot payload."""
        header = {
            "t": "hello",
            "protocol": wire.PROTOCOL,
            "run": self._settings.run_id,
            "host": self.host,
            "keep_s": self._settings.keep_s,
            "memory_limit_bytes": self._settings.memory_limit_bytes,
        }
        return wire.encode(header)

    def feed(self, data: bytes) -> None:
        """Bytes from the host. Never raises: what is wrong with them ends the session."""
        if self.error:
            return
        try:
            if self._banner is not None:
                data = self._skip_banner(data)
            if data:
                for header, body in self._decoder.feed(data):
                    self._dispatch(header, body)
        except wire.WireError as exc:
            self._violation(f"{self.host} sent what is no frame: {exc}")
        except ProtocolError as exc:
            self._violation(f"{self.host}: {exc.message}")

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._pump()

    def lost(self, error: Unreachable) -> None:
        """The line is gone: every job ends with ``error``. Idempotent."""
        if self.error:
            return
        self.error = error
        for timer in (self._ack_timer, self._keep_timer):
            if timer:
                timer.cancel()
        if not self.ready.done():
            self.ready.set_exception(error)
        jobs, self._jobs = self._jobs, {}
        for running in jobs.values():
            running.end(error)
        self._feeds.clear()

    @property
    def printed(self) -> str:
        """What came before the marker: for the message when none came."""
        return self._banner_text if self._banner is None else self._banner[-2000:].decode("utf-8", "replace")

    @property
    def busy(self) -> bool:
        return bool(self._jobs)

    # --- what the engine calls, through the connection

    async def run_job(
        self, job: Job, on_event: EventHandler, blobs: BlobSource | None, uploads: Uploads | None
    ) -> JobEnd:
        if self.error:
            raise self.error
        if job.id in self._jobs:
            raise ValueError(f"job {job.id} runs on {self.host} already")
        running = _Running(job, on_event, blobs or {}, uploads, self._loop.create_future())
        frames = self._take_acks()
        for task in job.tasks:
            frames += missing_frames(task["module"], self._sent, self._settings.sources)
        frames.append(_job_frame(job))
        self._jobs[job.id] = running
        self._orphans.discard(job.id)
        if job.deadline_s is not None:
            delay = job.deadline_s + self._settings.job_grace_s
            running.timer = self._loop.call_later(delay, self._overdue, running)
        self._write(b"".join(frames))
        try:
            return await running.done
        except asyncio.CancelledError:
            self._orphan(running, asyncio.CancelledError())
            raise

    def cancel(self, job_id: str) -> None:
        running = self._jobs.get(job_id)
        if running is None or running.cancelled:
            return
        running.cancelled = True
        self._send({"t": "cancel", "job": job_id})
        if running.timer:
            running.timer.cancel()
        running.timer = self._loop.call_later(self._settings.job_grace_s, self._overdue, running)

    def ack(self, job_id: str, attempt: int) -> None:
        if self.error:
            return
        self._acks.append(wire.encode({"t": "ack", "job": job_id, "attempt": attempt}))
        if self._ack_timer is None:
            self._ack_timer = self._loop.call_later(ACK_DELAY_S, self._flush_acks)

    def set_secret(self, name: str, value: str) -> None:
        self._send({"t": "secret", "name": name, "value": value})

    def bye(self) -> None:
        if not self.error:
            self._write(b"".join([*self._take_acks(), wire.encode({"t": "bye"})]))

    # --- frames from the host

    def _dispatch(self, header: dict[str, Any], body: bytes) -> None:
        kind = header["t"]
        if kind == "event":
            self._event(header)
        elif kind == "need":
            self._need(header)
        elif kind == "upload":
            self._upload(header, body)
        elif kind == "ready":
            self._ready(header)
        elif kind == "fault":
            self._fault(header)
        else:
            raise ProtocolError(f"a frame of unknown type {kind[:40]!r} came")

    def _event(self, header: dict[str, Any]) -> None:
        running = self._running(header)
        if running is None:
            return
        if header.get("seq") != running.digest.count + 1 or header.get("attempt") != running.job.attempt:
            raise ProtocolError(
                f"event {header.get('seq')!r} of attempt {header.get('attempt')!r} came in place of event "
                f"{running.digest.count + 1} of attempt {running.job.attempt}"
            )
        kind = header.get("kind")
        if kind == "finished":
            self._finished(running, header)
            return
        task = header.get("task")
        given = isinstance(task, str) and task in running.task_ids
        if not given and (task is not None or kind in ("started", "result")):
            raise ProtocolError(f"an event names a task that was not given: {str(task)[:80]!r}")
        running.digest.add(header)
        try:
            running.on_event(header)
        except Exception as exc:  # noqa: BLE001  the listener's own fault: its job fails with it, the line stays
            self._orphan(running, exc)

    def _finished(self, running: _Running, header: dict[str, Any]) -> None:
        del self._jobs[running.job.id]
        count = header.get("count")
        same = count == running.digest.count and header.get("digest") == running.digest.hexdigest()
        try:
            running.on_event(header)
        except Exception as exc:  # noqa: BLE001  as above
            running.end(exc)
            return
        running.end(JobEnd(str(header.get("status")), running.digest.count, same))

    def _need(self, header: dict[str, Any]) -> None:
        running = self._running(header)
        if running is None:
            return
        digest, credit = header.get("digest"), header.get("credit")
        if not isinstance(digest, str) or not isinstance(credit, int) or credit < 0:
            raise ProtocolError("a request for a blob has no digest or no credit")
        feed = running.feeds.get(digest)
        if feed is None or feed.done:
            feed = self._open_feed(running, digest)
        if feed is not None:
            feed.grant(credit)
            self._pump()

    def _open_feed(self, running: _Running, digest: str) -> BlobFeed | None:
        if digest not in running.blobs:
            raise ProtocolError(f"a blob was asked for that was not offered: {digest[:64]!r}")
        if len(self._feeds) >= MAX_OPEN_FEEDS:
            raise ProtocolError("too many blobs were asked for at once")
        try:
            feed = BlobFeed(running.job.id, digest, running.blobs[digest])
        except OSError as exc:
            self._write(blob_error(running.job.id, digest, exc.strerror or str(exc)))
            return None
        running.feeds[digest] = feed
        self._feeds.append(feed)
        return feed

    def _pump(self) -> None:
        """Send chunks, taking turns among the blobs, while there is credit and the line takes them."""
        idle = 0
        while self._feeds and not self._paused and idle < len(self._feeds):
            feed = self._feeds.popleft()
            if feed.ready:
                idle = 0
                self._write(feed.next_frame())
            else:
                idle += 1
            if not feed.done:
                self._feeds.append(feed)

    def _upload(self, header: dict[str, Any], body: bytes) -> None:
        running = self._running(header)
        if running is None:
            return
        stream = header.get("stream")
        if not isinstance(stream, str):
            raise ProtocolError("an upload names no stream")
        try:
            upload = running.uploads_open.get(stream) or self._open_upload(running, stream, header)
            upload.take(header, body)
        except ProtocolError:
            raise
        except Exception as exc:  # noqa: BLE001  the sink's own fault (a full disk, a refused path): the job fails with it
            self._orphan(running, exc)
            return
        if upload.done:
            del running.uploads_open[stream]
        elif body:
            self._send({"t": "credit", "job": running.job.id, "stream": stream, "bytes": len(body)})

    def _open_upload(self, running: _Running, stream: str, header: dict[str, Any]) -> Upload:
        size, path, mode = header.get("size"), header.get("path"), header.get("mode")
        if running.uploads is None or len(running.uploads_open) >= MAX_OPEN_UPLOADS:
            raise ProtocolError("a file was sent that nobody asked for")
        if not isinstance(size, int) or size < 0 or not isinstance(path, str) or isinstance(mode, dict | list):
            raise ProtocolError("an upload announces no proper size, path or mode")
        upload = running.uploads_open[stream] = Upload(running.uploads(stream, path, size, mode))
        return upload

    def _ready(self, header: dict[str, Any]) -> None:
        if self.ready.done():
            raise ProtocolError("a second ready came")
        info = _host_info(header, self._banner_text)
        if info.protocol != wire.PROTOCOL:
            raise ProtocolError(f"the runtime speaks protocol {info.protocol}, not {wire.PROTOCOL}")
        self.ready.set_result(info)
        self._keep()

    def _keep(self) -> None:
        """A runtime that hears nothing for ``keep_s`` takes its controller for dead: say hello again in time."""
        if self._keep_timer:
            self._write(self.hello())
        self._keep_timer = self._loop.call_later(self._settings.keep_s / 3, self._keep)

    def _fault(self, header: dict[str, Any]) -> None:
        code, message = str(header.get("code"))[:60], str(header.get("message"))[:2000]
        self._break(Unreachable(f"the runtime on {self.host} gave up: {message}", code=code or "lost"))

    # --- the inside

    def _running(self, header: dict[str, Any]) -> _Running | None:
        job_id = header.get("job")
        running = self._jobs.get(job_id) if isinstance(job_id, str) else None
        if running is None:
            if not isinstance(job_id, str) or job_id not in self._orphans:
                raise ProtocolError(f"a frame belongs to no job: {str(job_id)[:80]!r}")
            if header.get("kind") == "finished":
                self._orphans.discard(job_id)
        return running

    def _orphan(self, running: _Running, outcome: BaseException) -> None:
        """Nobody listens to this job any more: tell the host to end it, and pass over what still comes of it."""
        if self._jobs.pop(running.job.id, None) is None:
            return
        if len(self._orphans) < MAX_ORPHANS:
            self._orphans.add(running.job.id)
        self._send({"t": "cancel", "job": running.job.id})
        running.end(outcome)

    def _overdue(self, running: _Running) -> None:
        grace = self._settings.job_grace_s
        self._break(
            Unreachable(
                f"{self.host} did not confirm the end of its job within {grace:g} s after the deadline",
                code="timeout",
                hint="the host hangs, or its clock or load does; orch drops it and goes on with the others",
            )
        )

    def _skip_banner(self, data: bytes) -> bytes:
        assert self._banner is not None
        self._banner += data
        line = parse_boot(bytes(self._banner), self._marker)
        if line is None:
            if len(self._banner) > MAX_BANNER_BYTES:
                raise ProtocolError(f"more than {MAX_BANNER_BYTES} bytes came before the runtime answered")
            return b""
        if line.status != "ok":
            self._break(unusable_python(self.host, line))
            return b""
        before = self._banner[: len(self._banner) - len(line.rest)][-4000:]
        self._banner_text = before.decode("utf-8", "replace").rpartition(self._marker)[0].strip()
        self._banner = None
        return line.rest

    def _send(self, header: dict[str, Any]) -> None:
        if not self.error:
            self._write(wire.encode(header))

    def _take_acks(self) -> list[bytes]:
        acks, self._acks = self._acks, []
        if self._ack_timer:
            self._ack_timer.cancel()
            self._ack_timer = None
        return acks

    def _flush_acks(self) -> None:
        acks = self._take_acks()
        if acks and not self.error:
            self._write(b"".join(acks))

    def _violation(self, message: str) -> None:
        self._break(ProtocolError(message, hint="this line was dropped; nothing more is believed from it"))

    def _break(self, error: Unreachable) -> None:
        self.lost(error)
        self._broken(error)


def _job_frame(job: Job) -> bytes:
    header = {
        "t": "job",
        "id": job.id,
        "attempt": job.attempt,
        "deadline_s": job.deadline_s,
        "check": job.check,
        "diff": job.diff,
        "tasks": job.tasks,
    }
    return wire.encode(header)


def _host_info(header: dict[str, Any], banner: str) -> HostInfo:
    """The ready frame, with every field of the type it must have."""
    python, receipts = header.get("python"), header.get("receipts")
    if not isinstance(python, list) or not all(isinstance(part, int) for part in python[:3]):
        raise ProtocolError("the ready frame names no Python version")
    try:
        return HostInfo(
            protocol=int(header["protocol"]),
            python=tuple(python[:3]),
            platform=str(header["platform"]),
            pid=int(header["pid"]),
            user=str(header["user"]),
            uid=int(header["uid"]),
            home=str(header["home"]),
            receipts=None if receipts is None else str(receipts),
            time=float(header.get("time") or 0.0),
            banner=banner,
        )
    except (KeyError, TypeError, ValueError, OverflowError) as exc:
        raise ProtocolError(f"the ready frame is incomplete: {exc!r}") from None


def _consume(future: asyncio.Future[HostInfo]) -> None:
    """A boot that failed while nobody waited any more is no unhandled error."""
    if not future.cancelled():
        future.exception()
