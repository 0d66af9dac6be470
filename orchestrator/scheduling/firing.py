"""The times of schedules as rows, and the runs that come of them.

A time is claimed by inserting its row; only then is its run launched, under a key that follows from the schedule and
the time. So whoever dies in between leaves a row that says ``launching``, and the next process that sees it launches
again under the same key: the same run, if there is one already.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from orchestrator.access.rights import Identity
from orchestrator.notify.alerts import Alerts
from orchestrator.notify.occasions import SCHEDULE_STOPPED, Notice
from orchestrator.refusals import Refused, Unidentified
from orchestrator.runs.requests import RunRequest
from orchestrator.scheduling.checks import request_of
from orchestrator.scheduling.decisions import ASKED, LAUNCHED, LAUNCHING, REFUSED, WAITING
from orchestrator.scheduling.records import FIRES, SCHEDULES, STOPPED, Fire, Schedule
from orchestrator.store.books import Books
from orchestrator.store.records import QUEUED, RUNNING

STALE = timedelta(seconds=60)
"""After which a launch counts as left over by a process that died."""
UNDER_WAY = (LAUNCHING, ASKED)
PURPOSE = "schedule"
Launch = Callable[[Identity, RunRequest, "str | None"], str]
OwnerOf = Callable[[str], Identity]
"""A user's id -> who it is now; raises `Unidentified` when it is locked or gone."""


class Sealed(Struct):
    id: str
    sealed: bytes


class OpenRun(Struct):
    id: str
    cancel_requested: bool


class Firing:
    def __init__(self, books: Books, alerts: Alerts, launch: Launch, owner_of: OwnerOf) -> None:
        self._books = books
        self._alerts = alerts
        self._launch = launch
        self._owner_of = owner_of
        self._fires = books.table(FIRES, Fire)
        self._schedules = books.table(SCHEDULES, Schedule)
        self._sealed = books.table(SCHEDULES, Sealed)
        self._runs = books.table("runs", OpenRun)

    # ---- within a transaction

    def claim(self, schedule_id: str, due: datetime, outcome: str, reason: str = "") -> bool:
        """Write down what becomes of this time. False: another process was faster."""
        write = self._books.database.write
        return self._books.database.execute(
            f'INSERT INTO {FIRES} ("schedule_id", "due", "outcome", "run_id", "reason", "at")'
            " VALUES (?, ?, ?, NULL, ?, ?) ON CONFLICT DO NOTHING",
            (write["text"](schedule_id), write["time"](due), outcome, write["text"](reason),
             write["time"](self._books.clock()))) == 1

    def move(self, schedule_id: str, due: datetime, before: str, outcome: str, reason: str) -> bool:
        """What waited is launched or dropped. False: another process was faster."""
        return self._fires.change({"outcome": outcome, "reason": reason, "at": self._books.clock()},
                                  '"schedule_id" = ? AND "due" = ? AND "outcome" = ?', schedule_id, due, before) == 1

    def open_runs(self, schedule_id: str) -> tuple[tuple[str, ...], frozenset[str]]:
        """Runs that have not ended, the oldest first, launches under way among them; and those asked to stop."""
        runs = self._runs.all('"schedule_id" = ? AND "parent_id" IS NULL AND "status" IN (?, ?)'
                              ' ORDER BY "started", "id"', schedule_id, QUEUED, RUNNING)
        launching = self._fires.all('"schedule_id" = ? AND "outcome" IN (?, ?) ORDER BY "due"', schedule_id,
                                    *UNDER_WAY)
        names = (*(run.id for run in runs), *(f"{LAUNCHING} {fire.due.isoformat()}" for fire in launching))
        return names, frozenset(run.id for run in runs if run.cancel_requested)

    def waiting(self, schedule_id: str) -> tuple[datetime, ...]:
        return tuple(fire.due for fire in self._fires.all(
            '"schedule_id" = ? AND "outcome" = ? ORDER BY "due"', schedule_id, WAITING))

    def is_known(self, schedule_id: str, due: datetime) -> bool:
        return self._fires.count('"schedule_id" = ? AND "due" = ?', schedule_id, due) > 0

    # ---- on their own

    def left_over(self) -> list[Fire]:
        """Launches that some process began and did not end. What was asked for by hand is given up."""
        with self._books.transaction():
            self._fires.change({"outcome": REFUSED, "reason": "the server ended while it was being launched"},
                               '"outcome" = ? AND "at" < ?', ASKED, self._books.clock() - STALE)
        return self._fires.all('"outcome" = ? AND "at" < ? ORDER BY "due" LIMIT 50', LAUNCHING,
                               self._books.clock() - STALE)

    def launch(self, schedule: Schedule, due: datetime, reason: str, by: Identity | None = None) -> str | None:
        """Launch the run of a time that was claimed, as the schedule's owner (or ``by`` whoever asked for it now).

        None when that was refused: the time says why, and a schedule whose owner is gone stops. A refusal of ``by`` is
        raised. `StoreError` leaves the time as it is: it is launched again.
        """
        key = f"schedule {schedule.id} {due.astimezone(UTC).isoformat()}"
        try:
            identity = by or self._owner_of(schedule.created_by)
            run_id = self._known(identity, key) or self._launch(identity, self.request(schedule), key)
        except Refused as error:
            self._refused(schedule, due, error, by)
            if by is not None:
                raise
            return None
        with self._books.transaction():
            self._fires.change({"outcome": LAUNCHED, "run_id": run_id, "reason": reason},
                               '"schedule_id" = ? AND "due" = ? AND "outcome" IN (?, ?)', schedule.id, due, *UNDER_WAY)
            self._alerts.close(stopped_key(schedule.id))
        return run_id

    def request(self, schedule: Schedule) -> RunRequest:
        """What it launches, with its variables. Its pattern of hosts is resolved by the run."""
        return request_of(schedule.request, schedule.kind, schedule.id, self.extra_vars(schedule.id))

    def extra_vars(self, schedule_id: str) -> dict[str, Any]:
        row = self._sealed.find('"id" = ?', schedule_id)
        return self._books.unseal(PURPOSE, schedule_id, row.sealed) if row else {}

    def _known(self, identity: Identity, key: str) -> str | None:
        """The run of this time, if it was launched already: with what the schedule asked for then."""
        rows = self._books.database.select(
            'SELECT "run_id" FROM launches WHERE "user_id" = ? AND "idempotency_key" = ?', (identity.user_id, key))
        return str(rows[0][0]) if rows else None

    def _refused(self, schedule: Schedule, due: datetime, error: Refused, by: Identity | None) -> None:
        gone = isinstance(error, Unidentified) and by is None
        with self._books.transaction():
            self._fires.change({"outcome": REFUSED, "reason": f"{error.message} ({error.code})"},
                               '"schedule_id" = ? AND "due" = ? AND "outcome" IN (?, ?)', schedule.id, due, *UNDER_WAY)
            if by is not None:
                return
            if gone:
                self._schedules.change({"state": STOPPED, "next_due": None, "version": schedule.version + 1},
                                       '"id" = ? AND "version" = ?', schedule.id, schedule.version)
            self._books.audit.write("schedule", "schedule.stop" if gone else "schedule.refused", schedule.name,
                                    outcome="refused", schedule=schedule.id, code=error.code)
            ends = "stopped: whom it ran as is locked or gone" if gone else "was refused its run"
            self._alerts.open(stopped_key(schedule.id), Notice(
                SCHEDULE_STOPPED, schedule.name, f"The schedule {schedule.name} {ends}", (error.message,),
                schedule_id=schedule.id))


def stopped_key(schedule_id: str) -> str:
    return f"schedule_stopped:{schedule_id}"


def missed_key(schedule_id: str) -> str:
    return f"schedule_missed:{schedule_id}"
