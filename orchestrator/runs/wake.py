"""Waking the worker of one's own process: what was queued here is begun at once, without a database that can tell."""

from __future__ import annotations

import threading

_sleepers: set[threading.Event] = set()
_lock = threading.Lock()


def wake() -> None:
    """There may be something to do."""
    with _lock:
        for sleeper in _sleepers:
            sleeper.set()


class Sleeper:
    """Sleeps until woken; a call since the last sleep counts."""

    def __init__(self) -> None:
        self._event = threading.Event()
        with _lock:
            _sleepers.add(self._event)

    def sleep(self, limit_s: float) -> None:
        self._event.wait(limit_s)
        self._event.clear()

    def wake(self) -> None:
        self._event.set()

    def close(self) -> None:
        with _lock:
            _sleepers.discard(self._event)
