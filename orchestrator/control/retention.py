"""What is kept for how long. Only what has ended goes; what goes, goes in small transactions, so that nobody waits.

Run, results, events and launch go together. Before that, a run's events and the output of its tasks may go, which are
most of the space: its results stay, with their status, message and times.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from orchestrator.plans.plans import APPROVED, PROPOSED
from orchestrator.store.books import Books
from orchestrator.store.records import ENDED
from orchestrator.store.settings import StoredSettings
from orchestrator.store.table import marks

Days = Annotated[int, Meta(ge=1, le=36_500)]
AuditDays = Annotated[int, Meta(ge=30, le=36_500)]
KEY, PROGRESS = "retention", "retention.done"
RUNS_AT_ONCE = 20
ROWS_AT_ONCE = 5_000


class RetentionSettings(Struct, forbid_unknown_fields=True):
    """Days; runs that are queued or running are kept whatever is said here, and so are plans that may be applied."""

    runs_days: Days = 90
    output_days: Days = 30
    """Return values and differences of tasks."""
    events_days: Days = 30
    audit_days: AuditDays = 730
    deliveries_days: Days = 30
    stats_days: Days = 30


class Progress(Struct):
    """Runs that ended before this have lost theirs: nobody needs to look at them again."""

    output: datetime | None = None
    events: datetime | None = None


class Swept(Struct):
    """What has gone, as counts of rows (of runs: without what belongs to them)."""

    runs: int = 0
    output: int = 0
    events: int = 0
    audit: int = 0
    deliveries: int = 0
    alerts: int = 0
    stats: int = 0


class Retention:
    def __init__(self, books: Books) -> None:
        self._books = books
        self._stored = StoredSettings(books)

    def sweep(self, *, goes_on: Callable[[], bool] = lambda: True) -> Swept:
        """Let go what is over its time. ``goes_on`` is asked between transactions; what is left goes the next time."""
        books = self._books
        kept = self._stored.read(KEY, RetentionSettings)
        now = books.clock()
        before = {name: now - timedelta(days=days) for name, days in (
            ("runs", kept.runs_days), ("output", kept.output_days), ("events", kept.events_days),
            ("audit", kept.audit_days), ("deliveries", kept.deliveries_days), ("stats", kept.stats_days))}
        swept = Swept()
        while goes_on() and (count := self._runs(before["runs"])):
            swept.runs += count
        if goes_on():
            swept.output = self._of_ended("output", before["output"], self._output)
        if goes_on():
            swept.events = self._of_ended("events", before["events"], self._events)
        for name, act in (("audit", self._audit), ("deliveries", self._deliveries), ("stats", self._stats)):
            while goes_on() and (count := act(before[name])):
                setattr(swept, name, getattr(swept, name) + count)
                if count < ROWS_AT_ONCE:
                    break
        if goes_on():
            swept.alerts = self._alerts(before["deliveries"])
        return swept

    # ---- runs

    def _runs(self, before: datetime) -> int:
        """Delete the oldest that are too old; a run in slices goes with them."""
        books = self._books
        with books.transaction():
            rows = books.database.select(
                f'SELECT "id" FROM runs WHERE "status" IN ({marks(ENDED)}) AND "ended" < ? AND "parent_id" IS NULL'
                f' AND NOT EXISTS (SELECT 1 FROM plans p WHERE p."id" = runs."id" AND p."state" IN (?, ?)'
                f' AND p."expires" > ?) ORDER BY "ended" LIMIT {RUNS_AT_ONCE}',
                (*ENDED, self._time(before), PROPOSED, APPROVED, self._time(books.clock())))
            books.database.insert('DELETE FROM runs WHERE "parent_id" = ?', rows)
            books.database.insert('DELETE FROM runs WHERE "id" = ?', rows)
        return len(rows)

    def _of_ended(self, part: str, before: datetime, act: Callable[[str], int]) -> int:
        """``act`` on each run that ended between where the last sweep came to and ``before``."""
        books = self._books
        progress = self._stored.read(PROGRESS, Progress)
        since, count = getattr(progress, part), 0
        where = '' if since is None else ' AND "ended" >= ?'
        values = () if since is None else (self._time(since),)
        rows = books.database.select(
            f'SELECT "id" FROM runs WHERE "status" IN ({marks(ENDED)}) AND "ended" < ?{where}',
            (*ENDED, self._time(before), *values))
        for (run_id,) in rows:
            with books.transaction():
                count += act(str(run_id))
        with books.transaction():
            row = self._stored.stored(PROGRESS)
            value = {**(row.value if row else {}), part: before.isoformat()}
            self._stored.write(PROGRESS, value, row.version if row else 0, "retention")
        return count

    def _output(self, run_id: str) -> int:
        return self._books.database.execute(
            'UPDATE task_results SET "values" = \'{}\', "diff" = \'[]\' WHERE "run_id" = ? AND'
            ' (CAST("values" AS TEXT) <> \'{}\' OR CAST("diff" AS TEXT) <> \'[]\')', (run_id,))

    def _events(self, run_id: str) -> int:
        return self._books.database.execute('DELETE FROM events WHERE "run_id" = ?', (run_id,))

    # ---- the rest

    def _audit(self, before: datetime) -> int:
        return self._books.audit.forget(before)

    def _deliveries(self, before: datetime) -> int:
        return self._numbered("deliveries", "created", before)

    def _alerts(self, before: datetime) -> int:
        """Those that are closed."""
        return self._books.database.execute('DELETE FROM alerts WHERE "closed" < ?', (self._time(before),))

    def _stats(self, before: datetime) -> int:
        return self._books.database.execute('DELETE FROM host_stats WHERE "at" < ?', (self._time(before),))

    def _numbered(self, table: str, column: str, before: datetime) -> int:
        return self._books.database.execute(
            f'DELETE FROM {table} WHERE "id" IN (SELECT "id" FROM {table} WHERE "{column}" < ? ORDER BY "id"'
            f' LIMIT {ROWS_AT_ONCE})', (self._time(before),))

    def _time(self, moment: datetime) -> object:
        return self._books.database.write["time"](moment)
