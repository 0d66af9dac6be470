"""Acknowledgements that wait a little for a frame to travel with: alone, each would cost a packet of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from orchestrator.carriers import frames

ACK_DELAY_S = 0.5


class Acks:
    """Collects acks; ``write`` gets those that nothing else took along within `ACK_DELAY_S`.

    The timer is left running when they are taken: jobs follow each other much faster than it fires, and one timer in
    half a second costs less than one a job.
    """

    __slots__ = ("_loop", "_oldest_at", "_timer", "_waiting", "_write")

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []
        self._oldest_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, job_id: str, attempt: int) -> None:
        if not self._waiting:
            self._oldest_at = self._loop.time()
        self._waiting.append(frames.ack(job_id, attempt))
        if self._timer is None:
            self._timer = self._loop.call_later(ACK_DELAY_S, self._due)

    def take(self) -> list[bytes]:
        """All that wait, to be sent by whoever takes them."""
        taken, self._waiting = self._waiting, []
        return taken

    def stop(self) -> None:
        """Send nothing more."""
        self._waiting = []
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        if not self._waiting:
            return
        left = self._oldest_at + ACK_DELAY_S - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._due)
        else:
            self._write(b"".join(self.take()))
