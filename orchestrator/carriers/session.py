"""The half of a carrier that needs no transport: frames in, frames out, the jobs in flight and their deadlines.

A `Session` is given bytes (`feed`) and a way to write; it knows neither SSH nor pipes. It trusts nothing it reads:
sizes and nesting are bounded by `agentlet.wire`, and every frame must belong to something that was asked for. What
breaks the rules breaks the line: a host that sends rubbish once cannot be believed afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from agentlet import wire
from orchestrator.carriers import frames
from orchestrator.carriers.acks import Acks
from orchestrator.carriers.base import BlobSource, EventHandler, HostInfo, Job, JobEnd, Settings, Uploads
from orchestrator.carriers.blob_sender import BlobSender
from orchestrator.carriers.boot_errors import boot_failure, runtime_ended, unusable_python
from orchestrator.carriers.prologue import Prologue
from orchestrator.carriers.running import RunningJob
from orchestrator.carriers.sources import missing_frames
from orchestrator.errors import ProtocolError, Unreachable

MAX_ORPHANS = 1000


class Session:
    """One runtime's frames. ``write`` sends bytes; ``broken`` is called once when the line must be dropped.

    ``with_code``: modules go with their compiled code, which costs bytes and may spare the runtime from compiling.
    """

    __slots__ = ("_acks", "_blobs", "_broken", "_decoder", "_had", "_jobs", "_keep_timer", "_loop", "_orphans",
                 "_prologue", "_settings", "_with_code", "_write", "error", "host", "ready")  # fmt: skip

    def __init__(
        self,
        host: str,
        marker: str,
        settings: Settings,
        write: Callable[[bytes], None],
        broken: Callable[[Unreachable], None],
        with_code: bool = False,
    ) -> None:
        self.host = host
        self.error: Unreachable | None = None
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[HostInfo] = self._loop.create_future()
        self.ready.add_done_callback(_consume)
        self._settings = settings
        self._write = write
        self._broken = broken
        self._with_code = with_code
        self._prologue: Prologue | None = Prologue(marker)
        self._decoder = wire.Decoder()
        self._jobs: dict[str, RunningJob] = {}
        self._orphans: dict[str, None] = {}
        """Jobs nobody listens to any more, which the host has not ended yet."""
        self._had = 0
        self._blobs = BlobSender(write)
        self._acks = Acks(write)
        self._keep_timer: asyncio.TimerHandle | None = None

    # --- what the carrier calls

    def hello(self) -> bytes:
        """The first frame, to be sent behind the boot payload."""
        return frames.hello(self.host, self._settings)

    def feed(self, data: bytes) -> None:
        """Bytes from the host. Never raises: what is wrong with them ends the session."""
        if self.error:
            return
        try:
            if self._prologue is not None and not self._prologue.done:
                data = self._begin(self._prologue, data)
            if data:
                for header, body, head in self._decoder.frames(data):
                    self._dispatch(header, body, head)
        except wire.WireError as exc:
            self._violation(f"{self.host} sent what is no frame: {exc}")
        except ProtocolError as exc:
            self._violation(f"{self.host}: {exc.message}")

    def pause_writing(self) -> None:
        self._blobs.pause()

    def resume_writing(self) -> None:
        self._blobs.resume()

    def lost(self, error: Unreachable) -> None:
        """The line is gone: every job ends with ``error``. Idempotent."""
        if self.error:
            return
        self.error = error
        self._acks.stop()
        if self._keep_timer:
            self._keep_timer.cancel()
        if not self.ready.done():
            self.ready.set_exception(error)
        jobs, self._jobs = self._jobs, {}
        for running in jobs.values():
            running.end(error)
        self._blobs.clear()

    def runtime_gone(self, rc: int | None, errors: bytes) -> None:
        """The runtime's process is gone: its exit status (None: not known) and the end of what it wrote to stderr."""
        said = errors.decode("utf-8", "replace")
        if self.ready.done():
            self.lost(runtime_ended(self.host, rc, said))
        else:
            printed = self._prologue.printed if self._prologue else ""
            self.lost(boot_failure(self.host, rc, printed, said))

    # --- what the engine calls, through the connection

    async def run_job(
        self, job: Job, on_event: EventHandler, blobs: BlobSource | None, uploads: Uploads | None
    ) -> JobEnd:
        if self.error:
            raise self.error
        if job.id in self._jobs:
            raise ValueError(f"job {job.id} runs on {self.host} already")
        running = RunningJob(job, on_event, blobs or {}, uploads, self._loop.create_future())
        message = self._acks.take() + self._sources(job)
        message.append(frames.job(job))
        self._jobs[job.id] = running
        self._orphans.pop(job.id, None)
        if job.deadline_s is not None:
            delay = job.deadline_s + self._settings.job_grace_s
            running.timer = self._loop.call_later(delay, self._overdue, running)
        self._write(b"".join(message))
        try:
            return await running.done
        except asyncio.CancelledError:
            self._orphan(running, asyncio.CancelledError())
            raise

    def _sources(self, job: Job) -> list[bytes]:
        """Frames of the modules that this runtime lacks for the job."""
        found: list[bytes] = []
        for task in job.tasks:
            # What starts a job that lives on by itself is a source of the module that reads how such jobs stand.
            for module in ("async_status", task["module"]) if task.get("detach") else (task["module"],):
                missing, self._had = missing_frames(module, self._had, self._settings.sources, self._with_code)
                found += missing
        return found

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
        if not self.error:
            self._acks.add(job_id, attempt)

    def set_secret(self, name: str, value: str) -> None:
        self._send({"t": "secret", "name": name, "value": value})

    def bye(self) -> None:
        if not self.error:
            self._write(b"".join([*self._acks.take(), wire.encode({"t": "bye"})]))

    # --- frames from the host

    def _dispatch(self, header: dict[str, Any], body: bytes, head: bytes) -> None:
        kind = header["t"]
        if kind == "event":
            self._event(header, head)
        elif kind == "need":
            running = self._running(header)
            if running is not None:
                self._blobs.need(running, header)
        elif kind == "upload":
            self._upload(header, body)
        elif kind == "ready":
            self._ready(header)
        elif kind == "fault":
            self._fault(header)
        else:
            raise ProtocolError(f"a frame of unknown type {kind[:40]!r} came")

    def _event(self, header: dict[str, Any], head: bytes) -> None:
        running = self._running(header)
        if running is None:
            return
        running.check(header)
        finished = header.get("kind") == "finished"
        if finished:
            del self._jobs[running.job.id]
        try:
            end = running.hear(header, head)
        except Exception as exc:  # noqa: BLE001  the listener's own fault: its job fails with it, the line stays
            if finished:
                running.end(exc)
            else:
                self._orphan(running, exc)
            return
        if end is not None:
            running.end(end)

    def _upload(self, header: dict[str, Any], body: bytes) -> None:
        running = self._running(header)
        if running is None:
            return
        stream = header.get("stream")
        if not isinstance(stream, str):
            raise ProtocolError("an upload names no stream")
        try:
            credit = running.upload(stream, header, body)
        except ProtocolError:
            raise
        except Exception as exc:  # noqa: BLE001  the sink's own fault (a full disk, a refused path): the job fails with it
            self._orphan(running, exc)
            return
        if credit:
            self._send({"t": "credit", "job": running.job.id, "stream": stream, "bytes": credit})

    def _ready(self, header: dict[str, Any]) -> None:
        if self.ready.done() or self._prologue is None:
            raise ProtocolError("a second ready came")
        self.ready.set_result(frames.host_info(header, self._prologue.printed))
        self._prologue = None
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

    def _begin(self, prologue: Prologue, data: bytes) -> bytes:
        """What of ``data`` lies behind the marker line."""
        line = prologue.feed(data)
        if line is None:
            return b""
        if line.status != "ok":
            self._break(unusable_python(self.host, line))
            return b""
        return line.rest

    def _running(self, header: dict[str, Any]) -> RunningJob | None:
        job_id = header.get("job")
        running = self._jobs.get(job_id) if isinstance(job_id, str) else None
        if running is None:
            if not isinstance(job_id, str) or job_id not in self._orphans:
                raise ProtocolError(f"a frame belongs to no job: {str(job_id)[:80]!r}")
            if header.get("kind") == "finished":
                del self._orphans[job_id]
        return running

    def _orphan(self, running: RunningJob, outcome: BaseException) -> None:
        """Nobody listens to this job any more: tell the host to end it, and pass over what still comes of it."""
        if self._jobs.pop(running.job.id, None) is None:
            return
        if len(self._orphans) < MAX_ORPHANS:
            self._orphans[running.job.id] = None
        self._send({"t": "cancel", "job": running.job.id})
        running.end(outcome)

    def _overdue(self, running: RunningJob) -> None:
        grace = self._settings.job_grace_s
        self._break(
            Unreachable(
                f"{self.host} did not confirm the end of its job within {grace:g} s after the deadline",
                code="timeout",
                hint="the host hangs, or its clock or load does; orch drops it and goes on with the others",
            )
        )

    def _send(self, header: dict[str, Any]) -> None:
        if not self.error:
            self._write(wire.encode(header))

    def _violation(self, message: str) -> None:
        self._break(ProtocolError(message, hint="this line was dropped; nothing more is believed from it"))

    def _break(self, error: Unreachable) -> None:
        self.lost(error)
        self._broken(error)


def _consume(future: asyncio.Future[HostInfo]) -> None:
    """A boot that failed while nobody waited any more is no unhandled error."""
    if not future.cancelled():
        future.exception()
