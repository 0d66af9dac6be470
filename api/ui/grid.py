"""The results of a run as a grid: hosts down, tasks across, a state in each cell. Pure.

A cell folds what one task did on one host: its loop's items, its repeats (a serial batch, a handler flushed twice, an
included file in a loop). The worst of them is what it shows, and its newest result is what it opens. Of one that was
tried again, since the run was gone on with, only the newest counts: those have the same path.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field

WORST_FIRST = ("failed", "lost", "unreachable", "interrupted", "cancelled", "changed", "ok", "skipped", "running")
_RANK = {status: rank for rank, status in enumerate(reversed(WORST_FIRST), 1)}


class Seen(Struct, frozen=True):
    """Of a task result, what the grid needs."""

    seq: int
    host: str
    task_id: str
    status: str
    task_name: str = ""
    play_id: str = ""
    play_name: str = ""
    handler: bool = False
    path: str = ""
    item_index: int | None = None
    rescued: bool = False
    ignored: bool = False
    started: datetime | None = None
    ended: datetime | None = None


class Task(Struct):
    id: str
    name: str
    play: str
    counts: dict[str, int]
    handler: bool = False
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def status(self) -> str:
        """The worst state that any host has in it."""
        return max(self.counts, key=rank, default="running")

    @property
    def duration_s(self) -> float:
        return (self.ended - self.started).total_seconds() if self.started and self.ended else 0.0


class Cell(Struct):
    status: str
    seq: int
    path: str
    repeats: dict[str, str] = field(default_factory=dict)
    """The newest state under each path; empty while there was one result."""


class Grid(Struct):
    hosts: list[str]
    tasks: list[Task]
    cells: dict[tuple[str, str], Cell]


def rank(status: str) -> int:
    """How bad a state is: the higher, the worse."""
    return _RANK.get(status, 0)


def state_of(seen: Seen) -> str:
    """A failure that was ignored or rescued does not read as one."""
    if seen.status in ("failed", "unreachable") and (seen.ignored or seen.rescued):
        return "changed" if seen.rescued else "skipped"
    return seen.status


def gridded(hosts: Sequence[str], results: Iterable[Seen]) -> Grid:
    """Results in the order in which they came. Hosts that have none keep their row."""
    grid = Grid(list(hosts), [], {})
    known, tasks = set(hosts), dict[str, Task]()
    for seen in results:
        if seen.host not in known:
            known.add(seen.host)
            grid.hosts.append(seen.host)
        task = tasks.get(seen.task_id)
        if task is None:
            task = tasks[seen.task_id] = Task(seen.task_id, seen.task_name, seen.play_name, {}, seen.handler)
            grid.tasks.append(task)
        _stretch(task, seen)
        if seen.item_index is not None:
            continue  # the summary of the loop follows
        _put(grid, task, seen)
    return grid


def _put(grid: Grid, task: Task, seen: Seen) -> None:
    status, key = state_of(seen), (seen.host, seen.task_id)
    cell = grid.cells.get(key)
    if cell is None:
        grid.cells[key] = Cell(status, seen.seq, seen.path)
    else:
        task.counts[cell.status] -= 1
        if not task.counts[cell.status]:
            del task.counts[cell.status]
        status = _folded(cell, seen, status)
    task.counts[status] = task.counts.get(status, 0) + 1


def _folded(cell: Cell, seen: Seen, status: str) -> str:
    """The cell's state with one more result."""
    cell.repeats = cell.repeats or {cell.path: cell.status}
    is_tried_again = seen.path in cell.repeats
    cell.repeats[seen.path] = status
    among = cell.repeats.values() if is_tried_again else (cell.status, status)
    cell.status, cell.seq = max(among, key=rank), seen.seq
    return cell.status


def _stretch(task: Task, seen: Seen) -> None:
    if seen.started is not None and (task.started is None or seen.started < task.started):
        task.started = seen.started
    if seen.ended is not None and (task.ended is None or seen.ended > task.ended):
        task.ended = seen.ended


def packed(grid: Grid) -> dict[str, Any]:
    """For the browser: numbers in place of names, one short list for a host."""
    column = {task.id: n for n, task in enumerate(grid.tasks)}
    row = {host: n for n, host in enumerate(grid.hosts)}
    cells: list[list[Any]] = [[] for _ in grid.hosts]
    for (host, task_id), cell in grid.cells.items():
        cells[row[host]].append([column[task_id], cell.status])
    return {"hosts": grid.hosts, "cells": cells,
            "tasks": [{"id": task.id, "name": task.name, "play": task.play, "handler": task.handler}
                      for task in grid.tasks]}


class Bar(Struct, frozen=True):
    """A task on the timeline: where it begins and how long it is, in thousandths of the whole."""

    task: Task
    start: int
    length: int


def timeline(tasks: Sequence[Task]) -> list[Bar]:
    timed = [task for task in tasks if task.started and task.ended]
    if not timed:
        return []
    begin = min(task.started for task in timed if task.started)
    whole = max((task.ended - begin).total_seconds() for task in timed if task.ended) or 1.0
    return [Bar(task, round(((task.started or begin) - begin).total_seconds() / whole * 1000),
                max(round(task.duration_s / whole * 1000), 4)) for task in timed]
