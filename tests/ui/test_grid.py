"""The grid of a run: what is in a cell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api.ui.grid import Seen, gridded, packed, timeline

START = datetime(2026, 1, 1, tzinfo=UTC)


def seen(seq: int, host: str, task: str, status: str, **more: object) -> Seen:
    return Seen(seq, host, task, status, task_name=task, **more)  # type: ignore[arg-type]


CASES = {
    "one result": ([seen(1, "a", "t", "ok")], "ok"),
    "items are the loop's own affair": ([seen(1, "a", "t", "failed", item_index=0), seen(2, "a", "t", "ok")], "ok"),
    "the worst of repeats": ([seen(1, "a", "t", "failed"), seen(2, "a", "t", "ok", path="2")], "failed"),
    "changed before ok": ([seen(1, "a", "t", "ok"), seen(2, "a", "t", "changed", path="2")], "changed"),
    "tried again and well": ([seen(1, "a", "t", "failed"), seen(2, "a", "t", "ok")], "ok"),
    "tried again and worse": ([seen(1, "a", "t", "cancelled"), seen(2, "a", "t", "failed")], "failed"),
    "one of two repeats tried again": (
        [seen(1, "a", "t", "changed"), seen(2, "a", "t", "cancelled", path="2"), seen(3, "a", "t", "ok", path="2")],
        "changed"),
    "ignored reads as no failure": ([seen(1, "a", "t", "failed", ignored=True)], "skipped"),
    "rescued reads as a change": ([seen(1, "a", "t", "failed", rescued=True)], "changed"),
    "lost stays": ([seen(1, "a", "t", "lost")], "lost"),
}


@pytest.mark.parametrize("results, status", CASES.values(), ids=CASES)
def test_a_cell_shows(results: list[Seen], status: str) -> None:
    grid = gridded(["a"], results)
    assert grid.cells["a", "t"].status == status
    assert grid.tasks[0].counts == {status: 1}


def test_hosts_without_results_keep_their_row_and_tasks_their_order() -> None:
    grid = gridded(["a", "b"], [seen(1, "b", "second", "ok"), seen(2, "b", "first", "ok"), seen(3, "c", "first", "ok")])
    assert grid.hosts == ["a", "b", "c"]
    assert [task.id for task in grid.tasks] == ["second", "first"]
    found = packed(grid)
    assert found["cells"] == [[], [[0, "ok"], [1, "ok"]], [[1, "ok"]]]


def test_a_loop_that_is_under_way_has_its_column_and_no_cell() -> None:
    grid = gridded(["a"], [seen(1, "a", "t", "ok", item_index=0)])
    assert len(grid.tasks) == 1 and not grid.cells


def test_the_timeline_is_measured_by_the_whole_run() -> None:
    def at(seconds: float) -> datetime:
        return START + timedelta(seconds=seconds)

    grid = gridded(["a", "b"], [
        seen(1, "a", "one", "ok", started=at(0), ended=at(2)),
        seen(2, "b", "one", "failed", started=at(1), ended=at(5)),
        seen(3, "a", "two", "ok", started=at(5), ended=at(10)), seen(4, "a", "never", "skipped")])
    bars = timeline(grid.tasks)
    assert [(bar.task.id, bar.start, bar.length) for bar in bars] == [("one", 0, 500), ("two", 500, 500)]
    assert bars[0].task.status == "failed"
    assert timeline([]) == []
