"""The two threads of a server that go by the clock: one for schedules, one for messages and for what did not happen."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from orchestrator.errors import StoreError
from orchestrator.notify.courier import Courier
from orchestrator.runs.wake import Sleeper
from orchestrator.scheduling.absence import Absence
from orchestrator.scheduling.clockwork import Clockwork

AFTER_FAULT_S = 5.0
COURIER_S = 2.0
"""Between looks into the outbox, which any process fills."""
ABSENCE_S = 30.0
LATE_S = 120.0
"""Without a round, after which a thread counts as hanging: longer than any pause and any message."""
STOP_S = 10.0
LOG = logging.getLogger("orch.schedules")


class Parts(Protocol):
    """What a thread needs: services on a connection of its own. `orchestrator.control.Control` is one."""

    clockwork: Clockwork
    absence: Absence
    courier: Courier

    def close(self) -> None: ...


class State(Struct):
    """For health: seconds since the last round of each thread; None before the first."""

    is_well: bool
    clock_s: float | None
    courier_s: float | None
    error: str = ""


class ClockThreads:
    """``open_parts`` is called once in each thread. ``clock`` False: this process starts nothing, but it tells."""

    def __init__(self, open_parts: Callable[[], Parts], *, clock: bool = True) -> None:
        self._open_parts = open_parts
        self._stopped = threading.Event()
        self._rounds: dict[str, float] = {}
        self._errors: dict[str, str] = {}
        self._sleepers: list[Sleeper] = []
        acts = {"clock": self._clock, "courier": self._courier} if clock else {"courier": self._courier}
        self._threads = [threading.Thread(target=self._run, args=one, name=one[0], daemon=True) for one in acts.items()]
        self._absence_due = 0.0

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """What is being done is done; a message under way is left to the next process after some seconds."""
        self._stopped.set()
        for sleeper in self._sleepers:
            sleeper.wake()
        for thread in self._threads:
            thread.join(STOP_S)

    def state(self) -> State:
        now = time.monotonic()
        ages = {name: now - at for name, at in self._rounds.items()}
        well = all(age < LATE_S for age in ages.values()) and all(thread.is_alive() for thread in self._threads)
        errors = ", ".join(sorted(set(self._errors.values())))
        return State(well and not errors, ages.get("clock"), ages.get("courier"), errors)

    def _run(self, name: str, act: Callable[[Parts], float]) -> None:
        sleeper = Sleeper()
        self._sleepers.append(sleeper)
        parts: Parts | None = None
        while not self._stopped.is_set():
            pause_s = AFTER_FAULT_S
            try:
                parts = parts or self._open_parts()
                pause_s = act(parts)
                self._errors.pop(name, None)
            except StoreError as error:
                self._errors[name] = error.code
                LOG.error("%s: %s", name, error.message)
            except Exception as error:  # whatever it was: the other schedules must go on
                self._errors[name] = "unexpected"
                LOG.error("%s", name, exc_info=error)
            self._rounds[name] = time.monotonic()
            sleeper.sleep(pause_s)
        sleeper.close()
        if parts is not None:
            parts.close()

    def _clock(self, parts: Parts) -> float:
        return parts.clockwork.tick()

    def _courier(self, parts: Parts) -> float:
        now = time.monotonic()
        if now >= self._absence_due:
            self._absence_due = now + ABSENCE_S
            parts.absence.check()
        while parts.courier.send_due() and not self._stopped.is_set():
            self._rounds["courier"] = time.monotonic()
        return COURIER_S
