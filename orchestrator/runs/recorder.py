"""A run's events as viewers read them: few, small, bounded, and never before the lease is ours."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import structs

from orchestrator.errors import StoreError
from orchestrator.events import (
    Event,
    Included,
    Notice,
    PlayEnded,
    PlaySkipped,
    PlayStarted,
    RunEnded,
    RunStarted,
    TaskProgress,
    TaskRetry,
    TaskStarted,
)

if TYPE_CHECKING:
    from orchestrator.store import Store

FLUSH_S = 0.25
HEARTBEAT_S = 2.0
PROGRESS_S = 1.0
"""Of one task on one host, at most one progress event in this time."""
LONGEST_TEXT = 2000
MOST_VALUES_BYTES = 4000
MOST_NOTICES = 1000
MOST_THROTTLED = 10_000
Values = dict[str, Any]


class Throttle:
    """Lets one of a key through per ``every_s``."""

    def __init__(self, every_s: float = PROGRESS_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._clock = clock
        self._last: dict[object, float] = {}

    def lets(self, key: object) -> bool:
        now = self._clock()
        if now - self._last.get(key, float("-inf")) < self._every_s:
            return False
        if len(self._last) >= MOST_THROTTLED:
            self._last = {one: at for one, at in self._last.items() if now - at < self._every_s}
        self._last[key] = now
        return True


class Shaping:
    """From the engine's events to what is stored of them. Results are stored by the journal, and not here."""

    def __init__(self, throttle: Throttle | None = None) -> None:
        self._throttle = throttle or Throttle()
        self._play_hosts: tuple[str, ...] = ()
        self._notices = 0

    def stored(self, event: Event) -> tuple[str, Values] | None:
        """(kind, values), or None for what is not stored."""
        match event:
            case RunStarted():
                return "RunStarted", {"hosts": len(event.hosts), "check_mode": event.check_mode,
                                      "resumed": event.resumed}
            case PlayStarted():
                self._play_hosts = event.hosts
                return "PlayStarted", {"play_id": event.play_id, "name": _short(event.name),
                                       "hosts": list(event.hosts), "origin": str(event.origin), "batch": event.batch,
                                       "batches": event.batches}
            case PlaySkipped():
                return "PlaySkipped", {"play_id": event.play_id, "name": _short(event.name), "reason": event.reason}
            case TaskStarted():
                return "TaskStarted", {"task_id": event.task_id, "name": _short(event.name), "module": event.module,
                                       "origin": str(event.origin), "hosts": self._some(event.hosts),
                                       "handler": event.handler, "role": event.role}
            case TaskProgress():
                return self._progress(event)
            case TaskRetry():
                result = event.result
                return "TaskRetry", {"host": result.host, "task_id": result.task_id, "attempt": event.attempt,
                                     "retries_left": event.retries_left, "delay_s": event.delay_s}
            case Notice():
                return self._notice(event)
            case Included():
                return "Included", {"what": event.what, "path": _short(event.path), "hosts": self._some(event.hosts)}
            case PlayEnded():
                return "PlayEnded", {"play_id": event.play_id}
            case RunEnded():
                return "RunEnded", {
                    "status": event.status, "duration_s": round(event.duration_s, 3), "exit_code": event.exit_code,
                    "left": [_short(one) for one in event.left[:200]], "pending": list(event.pending[:1000]),
                    "recap": {host: structs.asdict(line) for host, line in event.recap.items()}}
        return None

    def _some(self, hosts: Sequence[str]) -> list[str] | None:
        """None: all of the play's."""
        return None if tuple(hosts) == self._play_hosts else list(hosts)

    def _progress(self, event: TaskProgress) -> tuple[str, Values] | None:
        if not self._throttle.lets((event.host, event.task_id)):
            return None
        values = {str(name)[:100]: value if isinstance(value, int | float | bool) else _short(str(value))
                  for name, value in list(event.values.items())[:20]}
        return "TaskProgress", {"host": event.host, "task_id": event.task_id, "values": values}

    def _notice(self, event: Notice) -> tuple[str, Values] | None:
        self._notices += 1
        if self._notices > MOST_NOTICES:
            return None
        return "Notice", {"level": event.level, "message": _short(event.message), "host": event.host,
                          "origin": str(event.origin) if event.origin else None}


class Recorder:
    """Writes from a thread of its own, with the run's own store: what has lost the lease writes nothing.

    ``on_lost`` is called, from that thread, once somebody else has the run: nothing may happen on a host any more.
    """

    def __init__(self, run_id: str, on_lost: Callable[[], None], shaping: Shaping | None = None) -> None:
        self._run_id = run_id
        self._on_lost = on_lost
        self._shaping = shaping or Shaping()
        self._pending: deque[tuple[str, Values]] = deque()
        self._store: Store | None = None
        self._over = threading.Event()
        self.is_leaving = False
        """The run goes to another worker: that it ends here is no event."""

    def opened(self, store: Store) -> None:
        """The lease is taken: write what has come, and from now on what comes."""
        store.announces, store.heartbeat_s = True, HEARTBEAT_S
        self._store = store
        threading.Thread(target=self._keep_writing, name="recorder", daemon=True).start()

    def on(self, event: Event) -> None:
        """An event of the engine, in its loop: only noted, but for the last one."""
        if isinstance(event, RunEnded):
            self._over.set()
            if self.is_leaving:
                self._hand()
                return
        stored = self._shaping.stored(event)
        if stored is not None:
            self._pending.append(stored)
        if isinstance(event, RunEnded):
            self._hand()  # closing the run flushes it

    def close(self) -> None:
        self._over.set()

    def _hand(self) -> bool:
        """What has come, into the store's buffer; True when there was anything."""
        store, count = self._store, 0
        while store is not None and self._pending:
            try:
                kind, values = self._pending.popleft()
            except IndexError:  # the other thread had the last one
                break
            store.record_event(self._run_id, kind, values)
            count += 1
        return count > 0

    def _keep_writing(self) -> None:
        beat = time.monotonic()
        store = self._store
        assert store is not None
        while not self._over.wait(FLUSH_S):
            try:
                if self._hand():
                    store.flush()
                if time.monotonic() - beat >= HEARTBEAT_S:
                    beat = time.monotonic()
                    store.heartbeat(self._run_id)
            except StoreError as error:
                if error.code == "store_lease_lost":
                    self._on_lost()
                    return
                # The store is away: the journal will say so as soon as there is a result.


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"
