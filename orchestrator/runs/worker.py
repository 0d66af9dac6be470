"""A worker: it claims waiting runs, drives them, shows that it lives, and takes over from those that do not."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from orchestrator.errors import OrchError, StoreError
from orchestrator.runs.driving import LEAVE_S, Driving
from orchestrator.runs.driving import Room as DrivingRoom
from orchestrator.runs.ends import Ends
from orchestrator.runs.identity import WorkerName
from orchestrator.runs.takeover import HEARTBEAT_S, SILENT_S, Sight
from orchestrator.runs.wake import Sleeper
from orchestrator.runs.workers import GONE, LEAVING, UP
from orchestrator.store.lease import awake_s

if TYPE_CHECKING:
    from orchestrator.runs.durable import Durable

LOG = logging.getLogger("orch.runs")
CAPACITY = 4
POLL_S = 0.5
SWEEP_S = 2.0
TIDY_S = 3600.0
STORE_AWAY_S = 2.0
MOST_STARTS = 10
NOTING_S = 5
STOP_LIMIT_S = LEAVE_S + 20.0


class Room(DrivingRoom, Protocol):
    @property
    def ends(self) -> Ends: ...


class WorkerOptions(Struct, frozen=True):
    state_dir: Path
    store_url: str | None = None
    capacity: int = CAPACITY
    kind: str = "worker"
    """``worker``, or ``serve`` for the one within `orch serve`."""
    silent_s: float = SILENT_S
    """Another worker that was silent for so long is taken for dead."""


class Worker:
    """``open_room`` opens a Control on a connection of its own. Start it once; there is one in a process."""

    def __init__(self, open_room: Callable[[], AbstractContextManager[Room]], options: WorkerOptions) -> None:
        self._open_room = open_room
        self._options = options
        self._name = WorkerName(options.state_dir)
        self.id = self._name.id
        self._sleeper = Sleeper()
        self._driving = Driving(open_room, options.state_dir, options.store_url, self.id, options.silent_s,
                                self._sleeper.wake)
        self._sight = Sight()
        self._begun: set[str] = set()
        self._stop = threading.Event()
        self._left = threading.Event()
        """Nothing runs here any more."""
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._threads = [threading.Thread(target=self._serve, name="dispatcher"),
                         threading.Thread(target=self._show, name="heartbeat", daemon=True)]

    # ---- from outside

    def start(self, timeout_s: float = 120.0) -> None:
        """Returns when it takes runs. Raises what kept it from that."""
        self._threads[0].start()
        self._ready.wait(timeout_s)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Take nothing new, leave what runs to others, and end. Returns when that is done, or does not come about: the
        database may be away. Then the process should end with `orchestrator.cli.ending`."""
        self._stop.set()
        self._sleeper.wake()
        self._threads[0].join(STOP_LIMIT_S)
        self._name.close()
        self._sleeper.close()

    # ---- the dispatcher's thread

    def _serve(self) -> None:
        from orchestrator.runs.durable import Durable as Made  # a second of CPU: off whatever else starts meanwhile

        options = self._options
        try:
            durable = Made(options.state_dir, options.store_url, self.id, options.capacity, self._drive)
            with self._open_room() as room:
                room.dispatch.workers.register(self.id, options.kind, options.capacity)
            self._threads[1].start()
            self._begin_durable(durable)
            self._durable = durable
        except BaseException as error:
            self._failure = error
            self._stop.set()
            self._left.set()
            return
        finally:
            self._ready.set()
        while not self._stop.is_set():
            try:
                with self._open_room() as room:
                    self._work(room)
            except StoreError as error:
                LOG.warning("the store: %s", error.message)
                self._stop.wait(STORE_AWAY_S)
            except Exception as error:  # DBOS has its own; a worker that shows itself and does nothing is the worst
                LOG.error("the dispatcher", exc_info=error)
                self._stop.wait(STORE_AWAY_S)
        was_busy = bool(self._begun)
        self._driving.leave()
        self._left.set()
        try:
            with self._open_room() as room:
                room.dispatch.workers.beat(self.id, [], GONE)
        except OrchError as error:
            LOG.warning("at the end: %s", error.message)
        durable.stop(NOTING_S if was_busy else 0)

    def _begin_durable(self, durable: Durable) -> None:
        """A database that is away, or has too much to do, is no reason to have no worker until the next start."""
        for left in reversed(range(MOST_STARTS)):
            try:
                durable.start()
                return
            except Exception as error:
                if not left or self._stop.is_set():
                    raise
                LOG.warning("durable execution does not start yet: %s", error)
                self._stop.wait(STORE_AWAY_S)

    def _work(self, room: Room) -> None:
        swept = tidied = float("-inf")
        while not self._stop.is_set():
            now = time.monotonic()
            if now - swept >= SWEEP_S:
                swept = now
                self._take_over(room)
            if now - tidied >= TIDY_S:
                tidied = now
                self._durable.forget()
            room.ends.settle_all()
            for run_id in room.dispatch.take(self.id, self._room_left()):
                self._begin(run_id, room)
            self._sleeper.sleep(POLL_S)

    def _begin(self, run_id: str, room: Room) -> None:
        self._begun.add(run_id)
        try:
            self._durable.begin(run_id)
        except Exception as error:
            self._begun.discard(run_id)
            room.dispatch.requeue(run_id, self.id)
            LOG.error("run %s could not be begun", run_id, exc_info=error)
            self._stop.wait(STORE_AWAY_S)

    def _room_left(self) -> int:
        return self._options.capacity - len(self._begun | set(self._driving.running))

    def _drive(self, run_id: str) -> str:
        """In a thread of DBOS's."""
        self._begun.add(run_id)
        try:
            return self._driving.drive(run_id)
        finally:
            self._begun.discard(run_id)

    def _take_over(self, room: Room) -> None:
        if self._sight.is_clear(awake_s(), self._options.silent_s):
            self._take_from_dead(room)
        mine = self._begun | set(self._driving.running)
        for run_id in room.dispatch.lost_claims(self.id, lambda: mine | self._durable.own()):
            LOG.warning("run %s: back in the queue", run_id)

    def _take_from_dead(self, room: Room) -> None:
        found = room.dispatch.take_over(self.id, max(0, self._room_left()), self._options.silent_s,
                                        self._durable.left_by, self._durable.resume)
        for run_id in [*found.workflows, *found.requeue]:
            LOG.warning("run %s: taken over from a worker that has died", run_id.partition(":")[0])

    # ---- the heartbeat's thread

    def _show(self) -> None:
        """A connection of its own: a long transaction of the dispatcher is no silence."""
        while not self._left.is_set():
            try:
                with self._open_room() as room:
                    self._show_in(room)
            except StoreError as error:
                LOG.warning("heartbeat: %s", error.message)
            except Exception as error:  # who does not show himself is taken for dead
                LOG.error("heartbeat", exc_info=error)
            self._left.wait(STORE_AWAY_S)

    def _show_in(self, room: Room) -> None:
        while not self._stop.is_set():
            room.dispatch.workers.beat(self.id, sorted(self._begun), UP)
            self._sight.saw(awake_s())
            self._stop.wait(HEARTBEAT_S)
        while not self._left.is_set():  # what runs may take a while to leave
            room.dispatch.workers.beat(self.id, self._driving.running, LEAVING)
            self._left.wait(HEARTBEAT_S)
