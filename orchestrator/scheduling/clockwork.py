"""The clockwork: decides about every time that has come, and has its run launched. Any number of processes may run one.

Each schedule is looked at under a lock of its row, in one transaction: what is due, what waits, what runs, what follows
(`decisions.decide`), one row for each time. Launching comes after, see `firing`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from orchestrator.errors import OrchError
from orchestrator.notify.alerts import Alerts
from orchestrator.notify.occasions import SCHEDULE_MISSED, Notice
from orchestrator.scheduling import decisions
from orchestrator.scheduling.decisions import Cancel, Due, Launch, Rules, Settle, Situation, Wait, decide
from orchestrator.scheduling.firing import Firing, missed_key
from orchestrator.scheduling.records import ACTIVE, SCHEDULES, Schedule
from orchestrator.scheduling.timing import Timing, after, between, jitter
from orchestrator.store.books import Books

MOST_DUES = 100
"""Of one schedule at once; older ones of a long downtime are passed over without a row each."""
AT_ONCE = 200
LOOK_AGAIN_S = 15.0
"""At most, whatever is due: another process may have added a schedule, and the wall's clock may have been set."""
AFTER_FAULT_S = 5.0
WAITING_S = 2.0
"""Between looks while a time waits for a run to end."""
LOG = logging.getLogger("orch.schedules")
CancelRun = Callable[[Schedule, str], object]


class Clockwork:
    """``cancel``: asks a run of this schedule to stop, as its owner."""

    def __init__(self, books: Books, firing: Firing, alerts: Alerts, cancel: CancelRun) -> None:
        self._books = books
        self._firing = firing
        self._alerts = alerts
        self._cancel = cancel
        self._failed = False
        self._schedules = books.table(SCHEDULES, Schedule)

    def tick(self) -> float:
        """Do what is due; seconds until there may be more. One schedule's fault does not keep the others."""
        self._failed = False
        for fire in self._firing.left_over():
            schedule = self._schedules.find('"id" = ?', fire.schedule_id)
            if schedule is not None:
                self._guarded(schedule.id, partial(self._firing.launch, schedule, fire.due, fire.reason))
        for schedule_id in self._due_ids():
            self._guarded(schedule_id, partial(self._look, schedule_id))
        return self._pause_s()

    def _guarded(self, schedule_id: str, act: Callable[[], object]) -> None:
        try:
            act()
        except OrchError as error:
            self._failed = True
            LOG.error("schedule %s: %s: %s", schedule_id, error.code, error.message)

    def _due_ids(self) -> list[str]:
        rows = self._books.database.select(
            'SELECT "id" FROM schedules WHERE "state" = ? AND ("next_due" <= ? OR EXISTS (SELECT 1'
            ' FROM schedule_fires f WHERE f."schedule_id" = schedules."id" AND f."outcome" = ?))'
            ' ORDER BY "next_due" LIMIT ?',
            (ACTIVE, self._books.database.write["time"](self._books.clock()), decisions.WAITING, AT_ONCE))
        return [str(row[0]) for row in rows]

    def _pause_s(self) -> float:
        if self._books.database.select(
                'SELECT 1 FROM schedule_fires f JOIN schedules s ON s."id" = f."schedule_id" WHERE f."outcome" = ?'
                ' AND s."state" = ? LIMIT 1', (decisions.WAITING, ACTIVE)):
            return WAITING_S
        due: datetime | None = self._schedules.value(
            "next_due", '"state" = ? AND "next_due" IS NOT NULL ORDER BY "next_due" LIMIT 1', ACTIVE)
        if due is None:
            return LOOK_AGAIN_S
        least = AFTER_FAULT_S if self._failed else 0.0  # what failed is due still
        return min(max((due - self._books.clock()).total_seconds(), least), LOOK_AGAIN_S)

    def _look(self, schedule_id: str) -> None:
        launches: list[Launch] = []
        cancels: list[Cancel] = []
        with self._books.transaction():
            schedule = self._schedules.find('"id" = ?', schedule_id, lock=True)
            if schedule is None or schedule.state != ACTIVE:
                return
            now, rules, timing = self._books.clock(), schedule.rules(), schedule.parsed()
            situation = self._situation(schedule, rules, timing, now)
            for decision in decide(rules, situation):
                if isinstance(decision, Cancel):
                    cancels.append(decision)
                elif self._write(schedule, situation, decision) and isinstance(decision, Launch):
                    launches.append(decision)
            last = situation.dues[-1].due if situation.dues else schedule.last_due
            changed = {"last_due": last, "next_due": self._next_due(schedule, rules, timing, last, now)}
            self._schedules.change(changed, '"id" = ?', schedule_id)
        for cancel in cancels:
            self._guarded(schedule_id, partial(self._cancel, schedule, cancel.run_id))
        for launch in launches:
            self._guarded(schedule_id, partial(self._firing.launch, schedule, launch.due, launch.reason))

    def _situation(self, schedule: Schedule, rules: Rules, timing: Timing, now: datetime) -> Situation:
        running, cancelling = self._firing.open_runs(schedule.id)
        since = schedule.last_success or schedule.created
        catch_up = decisions.catch_up_due(rules, since)
        known = catch_up is not None and self._firing.is_known(schedule.id, catch_up)
        return Situation(now, self._ripe(schedule, timing, now), self._firing.waiting(schedule.id), running, cancelling,
                         since, frozenset({catch_up} if catch_up is not None and known else ()))

    def _ripe(self, schedule: Schedule, timing: Timing, now: datetime) -> tuple[Due, ...]:
        found: list[Due] = []
        for due in between(timing, schedule.last_due or schedule.created, now, MOST_DUES):
            start = due + jitter(schedule.id, due, schedule.jitter_s)
            if start > now:
                break  # and those behind it wait with it: they are decided in order
            found.append(Due(due, start))
        return tuple(found)

    def _write(self, schedule: Schedule, situation: Situation, decision: Launch | Settle | Wait) -> bool:
        outcome = (decision.outcome if isinstance(decision, Settle) else
                   decisions.LAUNCHING if isinstance(decision, Launch) else decisions.WAITING)
        if decision.due in situation.waiting:
            return self._firing.move(schedule.id, decision.due, decisions.WAITING, outcome, decision.reason)
        written = self._firing.claim(schedule.id, decision.due, outcome, decision.reason)
        late = situation.now - decision.due > timedelta(seconds=schedule.grace_s + schedule.jitter_s)
        if written and outcome == decisions.MISSED and late:
            words = f"The schedule {schedule.name} missed {decision.due:%Y-%m-%d %H:%M} UTC"
            self._alerts.open(missed_key(schedule.id), Notice(
                SCHEDULE_MISSED, schedule.name, words, (decision.reason,), schedule_id=schedule.id))
        return written

    def _next_due(self, schedule: Schedule, rules: Rules, timing: Timing, last: datetime | None,
                  now: datetime) -> datetime | None:
        return next_due(schedule, rules, timing, last or schedule.created, now, self._firing.is_known)


def next_due(schedule: Schedule, rules: Rules, timing: Timing, last: datetime, now: datetime,
             is_known: Callable[[str, datetime], bool]) -> datetime | None:
    """When the clockwork has to look at it next: its next time with jitter, or the age at which it catches up.

    The age is left out where it was caught up with, and looked at again in a while where something else was in the way.
    """
    due = next(after(timing, last), None)
    start = due + jitter(schedule.id, due, schedule.jitter_s) if due is not None else None
    catch_up = decisions.catch_up_due(rules, schedule.last_success or schedule.created)
    if catch_up is None or is_known(schedule.id, catch_up):
        return start
    catch_up = max(catch_up, now + timedelta(seconds=LOOK_AGAIN_S))
    return catch_up if start is None else min(start, catch_up)
