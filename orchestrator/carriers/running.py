"""A job that a host has been given: what it may send for it, who listens, and how it ends."""

from __future__ import annotations

import asyncio
from typing import Any

from agentlet import wire
from orchestrator.carriers.base import BlobSource, EventHandler, Job, JobEnd, Uploads
from orchestrator.carriers.blobs import BlobFeed, Upload
from orchestrator.carriers.shared_names import share_names
from orchestrator.errors import ProtocolError

MAX_OPEN_UPLOADS = 64


class RunningJob:
    """Judges what belongs to one job. Whoever waits for ``done`` gets a `JobEnd`, or the reason why there is none."""

    __slots__ = ("_task_ids", "_uploads", "_uploads_open", "blobs", "cancelled", "digest", "done", "feeds", "job",
                 "on_event", "timer")  # fmt: skip

    def __init__(
        self, job: Job, on_event: EventHandler, blobs: BlobSource, uploads: Uploads | None, done: asyncio.Future[JobEnd]
    ) -> None:
        self.job = job
        self.on_event = on_event
        self.blobs = blobs
        self.done = done
        self.digest = wire.EventDigest()
        self.feeds: dict[str, BlobFeed] = {}
        self.timer: asyncio.TimerHandle | None = None
        self.cancelled = False
        self._uploads = uploads
        self._uploads_open: dict[str, Upload] = {}
        self._task_ids = frozenset(task["id"] for task in job.tasks)

    def check(self, header: dict[str, Any]) -> None:
        """`ProtocolError` for an event that may not come now."""
        if header.get("seq") != self.digest.count + 1 or header.get("attempt") != self.job.attempt:
            raise ProtocolError(
                f"event {header.get('seq')!r} of attempt {header.get('attempt')!r} came in place of event "
                f"{self.digest.count + 1} of attempt {self.job.attempt}"
            )
        kind, task = header.get("kind"), header.get("task")
        given = kind == "finished" or (isinstance(task, str) and task in self._task_ids)
        if not given and (task is not None or kind in ("started", "result")):
            raise ProtocolError(f"an event names a task that was not given: {str(task)[:80]!r}")

    def hear(self, header: dict[str, Any], head: bytes) -> JobEnd | None:
        """Count an event and hand it on; what the job came to, if it was the last. Raises what the listener raises.

        ``head``: the bytes of ``header`` as they came.
        """
        if header.get("kind") != "finished":
            self.digest.add(head)
            if header.get("kind") == "result":
                share_names(header.get("values"))
            self.on_event(header)
            return None
        same = header.get("count") == self.digest.count and header.get("digest") == self.digest.hexdigest()
        self.on_event(header)
        return JobEnd(str(header.get("status")), self.digest.count, same)

    def upload(self, stream: str, header: dict[str, Any], body: bytes) -> int:
        """Take one chunk of a file; returns the credit to give for it. Raises what the sink raises."""
        upload = self._uploads_open.get(stream) or self._open_upload(stream, header)
        upload.take(header, body)
        if upload.done:
            del self._uploads_open[stream]
            return 0
        return len(body)

    def _open_upload(self, stream: str, header: dict[str, Any]) -> Upload:
        size, path, mode = header.get("size"), header.get("path"), header.get("mode")
        if self._uploads is None or len(self._uploads_open) >= MAX_OPEN_UPLOADS:
            raise ProtocolError("a file was sent that nobody asked for")
        if not isinstance(size, int) or size < 0 or not isinstance(path, str) or isinstance(mode, dict | list):
            raise ProtocolError("an upload announces no proper size, path or mode")
        upload = self._uploads_open[stream] = Upload(self._uploads(stream, path, size, mode))
        return upload

    def end(self, outcome: JobEnd | BaseException) -> None:
        """Release everything and wake whoever waits."""
        if self.timer:
            self.timer.cancel()
        for feed in self.feeds.values():
            feed.close()
        for upload in self._uploads_open.values():
            upload.abort()
        if self.done.done():
            return
        if isinstance(outcome, JobEnd):
            self.done.set_result(outcome)
        else:
            self.done.set_exception(outcome)
