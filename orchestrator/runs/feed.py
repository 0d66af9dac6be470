"""A run as a stream: its events and its results in the order in which they came, from any position in it.

A position names how far each member of the run (the run itself, then its slices) was read: two numbers each, since
events and results are numbered apart. It is exact: what is committed late by one slice is not passed over.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from orchestrator.refusals import Malformed
from orchestrator.runs.asking import result_id
from orchestrator.runs.printable import printable
from orchestrator.runs.slices import slice_id
from orchestrator.store.columns import EVENTS, TASK_RESULTS, quoted, read_row
from orchestrator.store.database import Database
from orchestrator.store.records import ENDED

MOST_ITEMS = 500
LONGEST_MESSAGE = 500
LONGEST_CURSOR = 2000
EVENT, RESULT, END = "event", "result", "end"
_RESULT = {name: TASK_RESULTS[name] for name in (
    "run_id", "seq", "play_id", "task_id", "task_name", "module", "host", "status", "path", "attempt", "item_index",
    "item_label", "started", "ended", "duration_s", "message", "rescued", "ignored", "no_log", "handler", "replayed")}
_EVENT = {"id": "int", **EVENTS}
_EARLIEST = datetime.min.replace(tzinfo=UTC)


class Position(Struct, frozen=True):
    """(events, results) read so far, of each member. Nothing was read of members behind the last."""

    read: tuple[tuple[int, int], ...] = ()

    def of(self, member: int) -> tuple[int, int]:
        return self.read[member] if member < len(self.read) else (0, 0)

    def behind(self, item: Item) -> Position:
        """The position once ``item`` was read too."""
        events, results = self.of(item.member)
        new = (max(events, item.number), results) if item.kind == EVENT else (events, max(results, item.number))
        count = max(len(self.read), item.member + 1)
        return Position(tuple(new if one == item.member else self.of(one) for one in range(count)))

    def covers(self, item: Item) -> bool:
        """Whether the item was read already."""
        events, results = self.of(item.member)
        return item.number <= (events if item.kind == EVENT else results)

    def __str__(self) -> str:
        return ",".join(f"{events}.{results}" for events, results in self.read)


class Item(Struct, frozen=True):
    """``kind``: event or result; ``number``: the event's id, or the result's seq. An event says its ``slice``: 0 is the
    run itself."""

    kind: str
    member: int
    number: int
    at: datetime
    data: dict[str, Any]


class Reading(Struct, frozen=True):
    items: list[Item]
    position: Position
    status: str
    """Of the run, as it was before the items were read: when it has ended and there are none, there will be none."""

    @property
    def is_over(self) -> bool:
        return self.status in ENDED and not self.items


def parse(cursor: str | None) -> Position:
    """A position as it was told. Raises `Malformed`."""
    if not cursor:
        return Position()
    try:
        if len(cursor) > LONGEST_CURSOR:
            raise ValueError
        pairs = [part.split(".") for part in cursor.split(",")]
        read = tuple((int(events), int(results)) for events, results in pairs)
        if any(not 0 <= number < 2**62 for pair in read for number in pair):
            raise ValueError
        return Position(read)
    except ValueError:
        raise Malformed("this is no position in a run", code="cursor",
                        hint="take it from an event of this run, or leave it out") from None


def read(database: Database, run_id: str, position: Position, limit: int = MOST_ITEMS) -> Reading:
    """What comes behind ``position``: at most about ``limit`` items, by time, each member's in its order."""
    row = database.select('SELECT "status", "slices" FROM runs WHERE "id" = ?', (run_id,))
    if not row:
        return Reading([], position, "cancelled")
    status, slices = str(row[0][0]), int(row[0][1])
    members = [run_id, *(slice_id(run_id, number) for number in range(slices if slices > 1 else 0))]
    share = max(20, limit // len(members))
    streams: list[list[Item]] = []
    for number, member in enumerate(members):
        events, results = position.of(number)
        streams += [_events(database, member, number, events, share),
                    _results(database, member, run_id, number, results, share)]
    items = merged(streams)
    for item in items:
        position = position.behind(item)
    return Reading(items, position, status)


def _events(database: Database, run_id: str, member: int, after: int, limit: int) -> list[Item]:
    rows = database.select(f'SELECT {quoted(_EVENT)} FROM events WHERE "run_id" = ? AND "id" > ? ORDER BY "id" LIMIT ?',
                           (run_id, after, limit))
    found = [printable(read_row(_EVENT, row)) for row in rows]
    return [Item(EVENT, member, one["id"], one["at"],
                 {"kind": one["kind"], "at": one["at"], "slice": member, **one["values"]})
            for one in found]


def _results(database: Database, run_id: str, parent: str, member: int, after: int, limit: int) -> list[Item]:
    rows = database.select(
        f'SELECT {quoted(_RESULT)} FROM task_results WHERE "run_id" = ? AND "seq" > ? ORDER BY "seq" LIMIT ?',
        (run_id, after, limit))
    found = []
    for row in rows:
        values = read_row(_RESULT, row)
        values = printable({**values, "message": values["message"][:LONGEST_MESSAGE]})
        seq = values.pop("seq")
        values["id"] = result_id(values.pop("run_id"), parent, seq)
        found.append(Item(RESULT, member, seq, values["ended"] or values["started"] or _EARLIEST, values))
    return found


def merged(streams: Sequence[Sequence[Item]]) -> list[Item]:
    """All of them by time, each in its own order: a position is exact only behind what was read in order."""
    return [item for _, item in heapq.merge(*map(_timed, streams), key=lambda pair: pair[0])]


def _timed(stream: Sequence[Item]) -> list[tuple[datetime, Item]]:
    """Each with its moment, or that of one before it that was later."""
    latest, found = _EARLIEST, []
    for item in stream:
        latest = max(latest, item.at)
        found.append((latest, item))
    return found
