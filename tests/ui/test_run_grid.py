"""The grid's questions to the store, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.ui.fleet import latest_states
from api.ui.run_grid import at_work, snapshot
from orchestrator.events import TaskResult
from orchestrator.runs.feed import Position, read
from orchestrator.runs.records import TABLE, Run
from orchestrator.store.database import Database, database_for
from orchestrator.store.records import RunRecord
from orchestrator.store.store import Store
from orchestrator.store.table import Table

AT = datetime(2026, 1, 1, tzinfo=UTC)
HOSTS = ["a", "b", "c"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(request.getfixturevalue("fresh_postgres_url") if request.param == "postgresql" else tmp_path / "orch.db")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Store(url) as store:
        store.start_run(RunRecord(id="r", playbooks=["site.yml"], hosts=HOSTS))
        store.record_event("r", "PlayStarted", {"play_id": "p", "name": "first", "hosts": HOSTS})
        store.record_event("r", "TaskStarted", {"task_id": "one", "name": "One", "hosts": None})
        for host in HOSTS:
            store.record(result("one", host, "ok"))
        store.flush()
        store.record_event("r", "PlayStarted", {"play_id": "q", "name": "second", "hosts": HOSTS})
        store.record_event("r", "TaskStarted", {"task_id": "two", "name": "Two", "hosts": None})
        store.record(result("two", "a", "changed"))
        store.record(result("two", "b", "cancelled"))
        store.record(result("two", "b", "failed", ignored=True))  # it was tried again: only this counts
        store.flush()
        opened = database_for(url)
        opened.open()
        yield opened
        opened.close()


def result(task: str, host: str, status: str, **more: bool) -> TaskResult:
    return TaskResult("r", "p", "play", task, task.title(), "site.yml:1:1", "command", host, status, started=AT,
                      ended=AT, **more)


def test_a_snapshot_and_the_stream_behind_it_are_everything_once(database: Database) -> None:
    run = Table(database, TABLE, Run).find('"id" = ?', "r")
    assert run is not None
    found = snapshot(database, run, ["r"])
    assert found.grid.hosts == HOSTS and [task.id for task in found.grid.tasks] == ["one", "two"]
    assert found.grid.cells["b", "two"].status == "skipped" and ("c", "two") not in found.grid.cells
    behind = read(database, "r", found.position).items
    assert [item.data["kind"] for item in behind] == ["PlayStarted", "TaskStarted"]
    assert [item.data["name"] for item in behind] == ["second", "Two"]
    everything = read(database, "r", Position()).items
    assert sum(item.kind == "result" for item in everything) == 6


def test_the_task_that_is_at_work(database: Database) -> None:
    counts, name = at_work(database, ["r"])
    assert name == "Two" and counts == {"changed": 1, "skipped": 1}
    assert at_work(database, ["unknown"]) == ({}, "")


def test_the_latest_states_of_hosts_out_of_the_recaps(url: str) -> None:
    recaps = [{"a": {"ok": 1}, "b": {"failed": 1, "changed": 2}}, {"a": {"changed": 1}, "b": {"lost": 1}}]
    with Store(url) as store:
        for number, recap in enumerate(recaps):
            started = datetime(2026, 1, 1 + number, tzinfo=UTC)
            store.start_run(RunRecord(id=f"r{number}", hosts=["a", "b"], started=started))
            store.finish_run(f"r{number}", "failed", recap)
        opened = database_for(url)
        opened.open()
        found = latest_states(opened, ["a", "b", "c"])
        opened.close()
    assert found == {"a": ["ok", "changed"], "b": ["failed", "unreachable"]}
