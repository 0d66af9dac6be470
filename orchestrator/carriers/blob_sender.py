"""Sending the blobs that a host asks for: taking turns, within credit, and only while the line takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.carriers.blobs import BlobFeed, blob_error
from orchestrator.carriers.running import RunningJob
from orchestrator.errors import ProtocolError

MAX_OPEN_FEEDS = 64


class BlobSender:
    """All blobs under way on one line."""

    __slots__ = ("_feeds", "_paused", "_write")

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        # At most MAX_OPEN_FEEDS, mostly none: an empty deque takes eleven times an empty list's memory.
        self._feeds: list[BlobFeed] = []
        self._paused = False

    def need(self, running: RunningJob, header: dict[str, Any]) -> None:
        """The host asks for a blob, or for more of it. `ProtocolError` for one that was not offered."""
        digest, credit = header.get("digest"), header.get("credit")
        if not isinstance(digest, str) or not isinstance(credit, int) or credit < 0:
            raise ProtocolError("a request for a blob has no digest or no credit")
        feed = running.feeds.get(digest)
        if feed is None or feed.done:
            if header.get("more"):
                return  # all of it has been sent
            feed = self._open(running, digest)
        if feed is not None:
            feed.grant(credit)
            self._pump()

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._pump()

    def clear(self) -> None:
        self._feeds.clear()

    def _open(self, running: RunningJob, digest: str) -> BlobFeed | None:
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
        idle = 0
        while self._feeds and not self._paused and idle < len(self._feeds):
            feed = self._feeds.pop(0)
            if feed.ready:
                idle = 0
                self._write(feed.next_frame())
            elif not feed.done:
                idle += 1
            if not feed.done:  # one that its job's end has closed is not counted as waiting either
                self._feeds.append(feed)
