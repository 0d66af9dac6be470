"""What is too old goes, with all that belongs to it; what runs, or may still be applied, stays whatever its age."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import asdict, replace

from orchestrator.control.retention import KEY, Retention, RetentionSettings, Swept
from orchestrator.store.books import Books
from orchestrator.store.columns import TABLES
from orchestrator.store.records import RunRecord
from orchestrator.store.settings import StoredSettings
from tests.control.rows import row_of
from tests.plans.conftest import NOW
from tests.plans.test_plans import document, propose
from tests.store.results import result

DAY = timedelta(days=1)


def add(books: Books, run_id: str, age_days: float | None = 0, **changes: Any) -> None:
    """A run that ended so many days ago; None: it is running. With a result, an event and a row for its host."""
    ended = None if age_days is None else NOW - age_days * DAY
    status = "running" if ended is None else "ok"
    record = RunRecord(id=run_id, started=(ended or NOW - 999 * DAY) - DAY, ended=ended, status=status)
    books.table("runs", RunRecord).insert(asdict(replace(record, **changes)))
    kept = asdict(result(run_id=run_id, values={"stdout": "x"}, diff=[{"before": ""}]))
    for table, values in (("task_results", kept),
                          ("events", {"run_id": run_id, "at": NOW, "kind": "Notice", "values": {}})):
        books.table(table, RunRecord).insert(values)


def runs(books: Books) -> set[str]:
    return {row[0] for row in books.database.select('SELECT "id" FROM runs')}


def count(books: Books, table: str, where: str = "1 = 1") -> int:
    return int(books.database.select(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])


@pytest.fixture
def retention(books: Books) -> Retention:
    return Retention(books)


def test_old_runs_go_with_their_results_events_and_slices(books: Books, retention: Retention) -> None:
    add(books, "old", 91)
    add(books, "slice", 91, parent_id="old", slice=0)
    add(books, "young", 89)
    assert retention.sweep().runs == 1
    assert runs(books) == {"young"}
    assert count(books, "task_results") == 1


def test_what_runs_or_waits_is_never_touched(books: Books, retention: Retention) -> None:
    add(books, "running", None)
    add(books, "queued", None, status="queued")
    assert retention.sweep() == Swept()
    assert runs(books) == {"running", "queued"}
    assert count(books, "events") == 2


def test_a_plan_that_may_be_applied_stays(books: Books, retention: Retention) -> None:
    for run_id, ends in (("applicable", NOW + DAY), ("expired", NOW - DAY)):
        add(books, run_id, 400, kind="plan")
        propose(books, replace(document(run_id), expires=ends))
    retention.sweep()
    assert runs(books) == {"applicable"}


def test_output_and_events_go_earlier_and_results_stay(books: Books, retention: Retention) -> None:
    add(books, "older", 31)
    add(books, "younger", 29)
    swept = retention.sweep()
    assert (swept.output, swept.events) == (1, 1)
    left = "run_id = 'older'"
    assert count(books, "task_results", left) == 1 and count(books, "events", left) == 0
    assert count(books, "task_results", "CAST(\"values\" AS TEXT) = '{}' AND CAST(\"diff\" AS TEXT) = '[]'") == 1
    assert retention.sweep() == Swept()


def test_a_later_sweep_goes_on_where_the_one_before_came_to(books: Books, retention: Retention) -> None:
    add(books, "first", 31)
    retention.sweep()
    add(books, "second", 29.5)
    books.clock = lambda: NOW + DAY
    assert retention.sweep().output == 1


def test_settings_say_how_long(books: Books, retention: Retention) -> None:
    add(books, "run", 5)
    with books.transaction():
        StoredSettings(books).write(KEY, asdict(RetentionSettings(runs_days=4)), 0, "ann")
    assert retention.sweep().runs == 1


def test_audit_deliveries_alerts_and_stats_have_their_own_time(books: Books, retention: Retention) -> None:
    old, new = NOW - 800 * DAY, NOW
    books.table("channels", RunRecord).insert(row_of("channels", id="c"))
    for at in (old, new):
        for table, values in (("audit", {"at": at}), ("host_stats", {"at": at}), ("alerts", {"closed": at}),
                              ("deliveries", {"created": at, "channel_id": "c"})):
            books.table(table, RunRecord).insert(row_of(table, **values))
    books.table("alerts", RunRecord).insert(row_of("alerts", closed=None))
    swept = retention.sweep()
    assert (swept.audit, swept.deliveries, swept.alerts, swept.stats) == (1, 1, 1, 1)
    assert count(books, "alerts") == 2


def test_it_stops_between_transactions_when_it_is_told(books: Books, retention: Retention) -> None:
    for number in range(25):
        add(books, f"run{number}", 100)
    answers = iter([True, False])
    assert retention.sweep(goes_on=lambda: next(answers, False)).runs == 20
    assert len(runs(books)) == 5


def test_every_table_that_grows_is_thought_of() -> None:
    grows = {"runs", "task_results", "events", "run_hosts", "launches", "audit", "deliveries", "alerts", "host_stats",
             "plans", "drift", "schedule_fires", "agent_logs"}
    assert grows <= set(TABLES)
