"""Who does what: runs claimed from the queue, runs of dead workers given to the living. One decides at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from msgspec import Struct

from orchestrator.runs.locks import HostLocks
from orchestrator.runs.queue import Limits, Running, Waiting, choose
from orchestrator.runs.records import TABLE, Run
from orchestrator.runs.takeover import Claimed, Takeover, decide
from orchestrator.runs.workers import DEAD, GONE, Workers
from orchestrator.store.books import Books
from orchestrator.store.columns import TABLES, read_row
from orchestrator.store.database import RUNS_CHANNEL
from orchestrator.store.records import ENDED, QUEUED, RUNNING
from orchestrator.store.store import UNHELD
from orchestrator.store.table import Table

MOST_LOOKED_AT = 1000
"""Waiting runs among which is chosen, those of the highest priority and the longest wait."""
_JOINED = ('FROM runs r JOIN launches l ON l."run_id" = coalesce(r."parent_id", r."id")')


class Scheduled(Struct):
    id: str
    max_running: int


class Dispatch:
    """For one worker's own thread. ``per_user``: how many runs one user has at once, 0 for no limit."""

    def __init__(self, books: Books, per_user: int = 0) -> None:
        self._books = books
        self._per_user = per_user
        self.workers = Workers(books)
        self.locks = HostLocks(books.database, books.clock)
        self._runs: Table[Run] = books.table(TABLE, Run)

    # ---- the queue

    def take(self, worker_id: str, room: int) -> list[str]:
        """Claim waiting runs, as many as there is ``room`` for; `orchestrator.runs.queue` says which."""
        if room <= 0 or not self._is_anything_waiting():
            return []
        with self._books.transaction():
            self.workers.lock()
            waiting, concurrent = self._waiting()
            limits = Limits(room, self._limits(waiting), self._per_user)
            chosen = choose(waiting, self._running(), self.locks.all() if concurrent else {}, limits,
                            self._books.clock())
            for run in chosen:
                self._runs.change({"worker_id": worker_id}, '"id" = ?', run.id)
        return [run.id for run in chosen]

    def _is_anything_waiting(self) -> bool:
        return bool(self._books.database.select(
            "SELECT 1 FROM runs WHERE \"status\" = 'queued' AND \"worker_id\" IS NULL LIMIT 1"))

    def _waiting(self) -> tuple[list[Waiting], bool]:
        """Those that wait; and whether any of them has hosts that somebody else may have."""
        rows = self._select(
            ("id", "queued", "priority", "schedule_id", "parent_id", "hosts"), ("user_id", "request"),
            "r.\"status\" = 'queued' AND r.\"worker_id\" IS NULL ORDER BY r.\"priority\" DESC, r.\"queued\", r.\"id\""
            f" LIMIT {MOST_LOOKED_AT}")
        found = [Waiting(row["id"], row["user_id"], row["queued"] or self._books.clock(), row["priority"],
                         row["schedule_id"], row["parent_id"], frozenset(row["hosts"]),
                         bool(row["request"].get("allow_concurrent"))) for row in rows]
        return found, any(run.hosts and not run.parent_id for run in found)

    def _running(self) -> list[Running]:
        rows = self._select(("id", "started", "schedule_id", "parent_id", "slices", "worker_id"), ("user_id",),
                            "r.\"status\" IN ('running', 'queued')")
        return [Running(row["id"], row["user_id"], row["started"], row["schedule_id"], row["parent_id"])
                for row in rows if row["worker_id"] is not None]

    def _limits(self, waiting: Collection[Waiting]) -> Mapping[str, int]:
        if not any(run.schedule_id for run in waiting):
            return {}
        rows = self._books.table("schedules", Scheduled).all('"max_running" > 0')
        return {row.id: row.max_running for row in rows}

    def _select(self, of_run: tuple[str, ...], of_launch: tuple[str, ...], where: str) -> list[dict[str, Any]]:
        names = ", ".join([*(f'r."{name}"' for name in of_run), *(f'l."{name}"' for name in of_launch)])
        kinds = ({name: TABLES["runs"][name] for name in of_run}
                 | {name: TABLES["launches"][name] for name in of_launch})
        rows = self._books.database.select(f"SELECT {names} {_JOINED} WHERE {where}")
        return [read_row(kinds, row) for row in rows]

    # ---- one run

    def find(self, run_id: str) -> Run | None:
        return self._runs.find('"id" = ?', run_id)

    def claim(self, run_id: str, worker_id: str) -> Run | None:
        """The run, which this worker drives from now on; None when it has ended, goes on in slices, or is another's.

        A worker that was stopped, and wakes up to find its process killed, must leave the run to whom it was given.
        """
        with self._books.transaction():
            run = self._runs.find('"id" = ?', run_id, lock=True)
            if run is None or run.status in ENDED or (run.status == RUNNING and run.slices > 1):
                return None
            if run.worker_id not in (None, worker_id) and self.workers.is_up(str(run.worker_id)):
                return None
            self._runs.change({"worker_id": worker_id}, '"id" = ?', run_id)
            return run

    def put_back(self, run_id: str, worker_id: str, message: str | None = None) -> None:
        """Back into the queue, if this worker still has it."""
        changes = {"worker_id": None, **({} if message is None else {"message": message})}
        with self._books.transaction():
            self._runs.change(changes, '"id" = ? AND "worker_id" = ? AND "status" = ?', run_id, worker_id, QUEUED)

    def requeue(self, run_id: str, worker_id: str) -> None:
        """Back into the queue though it was running: nobody drives it any more. It is resumed by whoever takes it."""
        with self._books.transaction():
            self._requeue(run_id, worker_id)

    def _requeue(self, run_id: str, worker_id: str) -> None:
        """Its lease stays as it is: it says whom the next holder has to put down."""
        self._runs.change({"status": QUEUED, "worker_id": None},
                          f'"id" = ? AND "worker_id" = ? AND "status" IN (\'{QUEUED}\', \'{RUNNING}\')',
                          run_id, worker_id)

    def end(self, run_id: str, status: str, message: str, worker_id: str | None = None) -> bool:
        """End a run that no process drives: it could not begin, or is given up."""
        who = "" if worker_id is None else ' AND "worker_id" = ?'
        given = () if worker_id is None else (worker_id,)
        with self._books.transaction():
            ended = self._runs.change(
                {"status": status, "message": message, "ended": self._books.clock(), **UNHELD},
                f'"id" = ? AND "status" IN (\'{QUEUED}\', \'{RUNNING}\'){who}', run_id, *given)
            self._books.database.notify(run_id, RUNS_CHANNEL)
        return bool(ended)

    # ---- the dead

    def take_over(self, me: str, room: int, silent_s: float,
                  pending: Callable[[list[str]], tuple[dict[str, str], set[str]]],
                  resume: Callable[[str], None]) -> Takeover:
        """Give the runs of dead workers to the living; at most ``room`` of them to this one.

        ``pending`` (workers that are dead) -> their runs' workflows, and the runs whose workflow somebody is fetching;
        ``resume`` has a workflow fetched. Both speak to another database, so they are called within the transaction:
        nobody else decides meanwhile.
        """
        self._books.database.end_stopped()
        with self._books.transaction():
            self.workers.lock()
            self.workers.mark_dead(me, silent_s)
            alive = {row.id for row in self.workers.list() if row.state not in (GONE, DEAD)}
            claimed = self._claimed()
            lost = [run for run in claimed if run.worker_id not in alive]
            if not lost:
                return Takeover()
            left, under_way = pending(sorted({run.worker_id for run in lost}))
            found = decide(lost, alive, left, under_way, room)
            owner = {run.id: run.worker_id for run in lost}
            for run_id in found.requeue:
                self._requeue(run_id, owner[run_id])
            for run_id in found.give_up:
                self._give_up(run_id, owner[run_id])
            for workflow in found.workflows:
                resume(workflow)
        return found

    def _claimed(self) -> list[Claimed]:
        rows = self._runs.all(
            f'"status" IN (\'{QUEUED}\', \'{RUNNING}\') AND "worker_id" IS NOT NULL AND "queued" IS NOT NULL')
        return [Claimed(run.id, run.worker_id or "", run.status, run.resumes) for run in rows]

    def _give_up(self, run_id: str, owner: str) -> None:
        self._runs.change({"status": "interrupted", "ended": self._books.clock(), **UNHELD,
                           "message": "given up: too many processes that drove it have died"},
                          '"id" = ? AND "worker_id" = ?', run_id, owner)

    def lost_claims(self, me: str, mine: Callable[[], Collection[str]]) -> list[str]:
        """Runs that say this worker has them while it has not: claims of its own earlier life. Put back, returned."""
        claimed = [run.id for run in self._claimed() if run.worker_id == me]
        held = mine() if claimed else ()
        lost = [run_id for run_id in claimed if run_id not in held]
        for run_id in lost:
            self.requeue(run_id, me)
        return lost
