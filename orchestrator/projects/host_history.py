"""One host over time: the runs it was in, and what was measured of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from orchestrator.access.rights import Identity
from orchestrator.projects.fleet import Fleet
from orchestrator.projects.run_outcomes import EndedRun, status_of, update_from_run
from orchestrator.refusals import wrong
from orchestrator.store.books import Books
from orchestrator.store.paging import Page, PageRequest, ordered

MOST_POINTS = 500
LONGEST = timedelta(days=400)
KEEP = timedelta(days=30)


class RunOnHost(Struct):
    """``run_id``: of a slice, the run that it is part of. ``counts``: task results by status."""

    run_id: str
    results_run_id: str
    kind: str
    playbooks: list[str]
    check_mode: bool
    user: str
    started: datetime
    ended: datetime | None
    run_status: str
    status: str
    counts: dict[str, int]


class _Run(Struct):
    id: str
    kind: str
    playbooks: list[str]
    check_mode: bool
    user: str
    started: datetime
    ended: datetime | None
    status: str
    parent_id: str | None
    slice: int | None

    @property
    def is_look(self) -> bool:
        """What a run that applies a plan looks at first is a part of that run."""
        return self.parent_id is not None and self.slice is None


class Point(Struct):
    at: datetime
    stats: dict[str, Any]


class HostHistory:
    def __init__(self, books: Books, fleet: Fleet) -> None:
        self._books = books
        self._fleet = fleet
        self._runs = books.table("runs", _Run)
        self._stats = books.table("host_stats", Point)

    def runs(self, by: Identity, host: str, page: PageRequest) -> Page[RunOnHost]:
        """The runs that have a result of the host, the newest first."""
        self._fleet.refuse_unknown(by, host)
        order = ordered(page, {"run": ("results_run_id",)}, "-run")
        database = self._books.database
        written, behind = database.write["text"](host), str(order.after[0]) if order.after else None
        items: list[RunOnHost] = []
        # One step along the index (host, run_id) a run: a host may have a thousand results in each.
        while len(items) <= order.limit:
            sql, values = 'SELECT max("run_id") FROM task_results WHERE "host" = ?', [written]
            if behind is not None:
                sql, values = f'{sql} AND "run_id" < ?', [written, behind]
            (latest,), = database.select(sql, values)
            if latest is None:
                break
            behind = str(latest)
            run = self._runs.find('"id" = ?', behind)
            if run is not None and not run.is_look:
                items.append(self._entry(run, written))
        return order.page(items)

    def _entry(self, run: _Run, written: Any) -> RunOnHost:
        counted: Mapping[str, int] = {str(status): int(count) for status, count in self._books.database.select(
            # A failure that was ignored or rescued is none, as in the recap.
            """SELECT CASE WHEN "status" IN ('failed', 'unreachable') AND ("ignored" OR "rescued") THEN 'ok'"""
            ' ELSE "status" END, count(*) FROM task_results WHERE "run_id" = ? AND "host" = ?'
            ' AND "item_index" IS NULL GROUP BY 1', (run.id, written))}
        return RunOnHost(run.parent_id or run.id, run.id, run.kind, run.playbooks, run.check_mode, run.user,
                         run.started, run.ended, run.status, status_of(counted), dict(counted))

    def stats(self, by: Identity, host: str, since: datetime | None = None, until: datetime | None = None,
              most: int = 300) -> Sequence[Point]:
        """Measurements in order of time, evenly thinned out to ``most``; by default those of the last day."""
        self._fleet.refuse_unknown(by, host)
        until = until or self._books.clock()
        since = since or until - timedelta(days=1)
        if not timedelta(0) <= until - since <= LONGEST:
            raise wrong("since", f"before until, and {LONGEST.days} days at most")
        found = self._stats.all('"host" = ? AND "at" >= ? AND "at" <= ? ORDER BY "at" LIMIT 100000', host, since, until)
        return thinned(found, min(most, MOST_POINTS))

    def keep_stats(self) -> int:
        """What agentlets said last becomes a point in their host's history, once; called now and then."""
        database = self._books.database
        with self._books.transaction():
            return database.execute(
                'INSERT INTO host_stats ("host", "at", "stats") SELECT a."host", s."at", s."stats" FROM agent_stats s'
                """ JOIN agents a ON a."id" = s."agent_id" WHERE a."state" = 'active' ON CONFLICT DO NOTHING""")

    def forget_stats(self, before: datetime) -> int:
        return self._stats.delete('"at" < ?', before)

    def update_from_run(self, run: EndedRun) -> None:
        """What follows the end of a run, within the runs room's transaction."""
        update_from_run(self._books, run)


def thinned(points: Sequence[Point], most: int) -> Sequence[Point]:
    """At most so many, the first and the last among them. Pure."""
    if len(points) <= most or most < 2:
        return points[:most]
    step = (len(points) - 1) / (most - 1)
    return [points[round(number * step)] for number in range(most)]
