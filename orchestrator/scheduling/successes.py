"""When a schedule last succeeded: what catching up by age goes by."""

from __future__ import annotations

from orchestrator.runs.records import Run
from orchestrator.scheduling.decisions import catch_up_due
from orchestrator.scheduling.records import ACTIVE, SCHEDULES, Schedule
from orchestrator.store.books import Books


class Successes:
    def __init__(self, books: Books) -> None:
        self._books = books
        self._schedules = books.table(SCHEDULES, Schedule)

    def on_end(self, run: Run) -> None:
        """Within the transaction that settles the run. The age counts from here, so the clockwork is to look then."""
        if run.status != "ok" or run.schedule_id is None or run.parent_id is not None:
            return
        at = run.ended or self._books.clock()
        schedule = self._schedules.find('"id" = ?', run.schedule_id, lock=True)
        if schedule is None or (schedule.last_success is not None and schedule.last_success >= at):
            return
        age = catch_up_due(schedule.rules(), at)
        due = schedule.next_due
        if schedule.state == ACTIVE and age is not None:
            due = age if due is None else min(due, age)
        self._schedules.change({"last_success": at, "next_due": due}, '"id" = ?', run.schedule_id)
