"""A run's results out of the store, as narrow as the grid needs them, and from where the stream goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from api.ui.grid import Grid, Seen, gridded, packed
from orchestrator.runs.feed import Position
from orchestrator.runs.records import Run
from orchestrator.store.columns import TASK_RESULTS, quoted, read_row
from orchestrator.store.database import Database
from orchestrator.store.table import marks

MOST_RESULTS = 200_000
"""Of the largest runs the grid holds the latest of these."""
_SEEN = {name: TASK_RESULTS[name] for name in Seen.__struct_fields__}


class Snapshot(Struct):
    grid: Grid
    position: Position
    """Behind all results that are in the grid; of events, before those of the plays that go on."""

    def for_browser(self) -> dict[str, Any]:
        return {**packed(self.grid), "after": str(self.position)}


def snapshot(database: Database, run: Run, members: Sequence[str]) -> Snapshot:
    """``members``: the run's id and those of its slices."""
    seen: list[Seen] = []
    read: list[tuple[int, int]] = []
    for member in members:
        found = _results(database, member, MOST_RESULTS // len(members))
        plays = database.select(
            """SELECT max("id") FROM events WHERE "run_id" = ? AND "kind" = 'PlayStarted'""", (member,))
        read.append((max(int(plays[0][0] or 1) - 1, 0), found[-1].seq if found else 0))
        seen += found
    if len(members) > 1:
        seen.sort(key=lambda one: (one.started is None and one.ended is None, one.started or one.ended))
    return Snapshot(gridded(run.hosts, seen), Position(tuple(read)))


def _results(database: Database, run_id: str, most: int) -> list[Seen]:
    rows = database.select(
        f'SELECT {quoted(_SEEN)} FROM task_results WHERE "run_id" = ? ORDER BY "seq" DESC LIMIT ?', (run_id, most))
    return [Seen(**read_row(_SEEN, row)) for row in reversed(rows)]


def at_work(database: Database, members: Sequence[str]) -> tuple[dict[str, int], str]:
    """Of the task that was begun last: the hosts that have ended it, by state, and its name."""
    among = marks(members)
    begun = database.select(
        f"""SELECT "values" FROM events WHERE "run_id" IN ({among}) AND "kind" = 'TaskStarted'"""
        ' ORDER BY "id" DESC LIMIT 1', tuple(members))
    if not begun:
        return {}, ""
    task = read_row({"values": "json"}, begun[0])["values"]
    rows = database.select(
        'SELECT "host", CASE WHEN "ignored" OR "rescued" THEN \'skipped\' ELSE "status" END FROM task_results'
        f' WHERE "run_id" IN ({among}) AND "task_id" = ? AND "item_index" IS NULL ORDER BY "seq"',
        (*members, database.write["text"](str(task["task_id"]))))
    newest = {host: str(status) for host, status in rows}  # a host may have been tried again, or have repeats
    return dict(Counter(newest.values())), str(task["name"])
