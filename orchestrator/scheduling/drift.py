"""Drift: what scheduled plans would have changed, per host and over time, with an alert for each host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from orchestrator.access.rights import VIEW, Identity, may
from orchestrator.notify.alerts import Alerts
from orchestrator.notify.occasions import DRIFT, DRIFT_OVER, Notice, named, one_line
from orchestrator.notify.outbox import Outbox
from orchestrator.projects.host_rows import ensure_rows
from orchestrator.runs.records import Run
from orchestrator.scheduling.records import SCHEDULES
from orchestrator.store.books import Books
from orchestrator.store.paging import Page, PageRequest, page_of
from orchestrator.store.text import unescape

MOST_TASKS = 50
"""Of a host that are stored in words; ``changes`` counts them all."""
LONGEST_DIFF, LONGEST_NAME = 400, 200
CUT_SHORT = ("unreachable", "failed", "lost", "interrupted", "cancelled")
"""A host with any of these was not looked at to the end: nothing is said about it."""
REPEATED = timedelta(days=1)
"""A look that found what the one before had found is written down once in this time."""
SORTS = {"at": ("at", "host", "schedule_id"), "host": ("host", "at", "schedule_id")}
_NEWEST = ('(SELECT max(e."at") FROM drift e WHERE e."host" = drift."host"'
           ' AND e."schedule_id" = drift."schedule_id")')


class Drift(Struct):
    host: str
    at: datetime
    schedule_id: str
    run_id: str
    changes: int
    """0: it is as its playbooks say."""
    tasks: list[dict[str, Any]]
    """Each: task, module, diff (a few lines of it)."""


class _Changed(Struct):
    host: str
    task_name: str
    module: str
    item_index: int | None
    item_label: str | None
    no_log: bool
    diff: list[dict[str, Any]]
    message: str


class _Name(Struct):
    name: str


class _HostState(Struct):
    host: str


class Drifts:
    def __init__(self, books: Books, alerts: Alerts, outbox: Outbox) -> None:
        self._books = books
        self._alerts = alerts
        self._outbox = outbox
        self._drift = books.table("drift", Drift)
        self._results = books.table("task_results", _Changed)
        self._schedules = books.table(SCHEDULES, _Name)
        self._states = books.table("host_states", _HostState)

    def on_end(self, run: Run) -> None:
        """Store what a scheduled plan found. Within the transaction that settles the run."""
        if run.kind != "plan" or run.schedule_id is None or run.parent_id is not None or not run.recap:
            return
        schedule = self._schedules.find('"id" = ?', run.schedule_id)
        if schedule is None:
            return
        at = self._books.clock()
        found = by_host(self._results.all(
            '"run_id" IN (SELECT "id" FROM runs WHERE "id" = ? OR "parent_id" = ?) AND "status" = \'changed\''
            ' AND "check_mode" = ? ORDER BY "host", "seq"', run.id, run.id, True))
        looked_at = sorted(host for host, counts in run.recap.items() if not any(counts.get(one) for one in CUT_SHORT))
        rows = [{"host": host, "at": at, "schedule_id": run.schedule_id, "run_id": run.id,
                 "changes": found[host].count if host in found else 0,
                 "tasks": found[host].tasks if host in found else []} for host in looked_at]
        news = [row for row in rows if not self._is_known(row)]
        if news:
            self._drift.insert(*news)
        ensure_rows(self._books.database, looked_at)
        for row in rows:
            host = str(row["host"])
            self._states.change({"drift_run_id": run.id, "drift_changes": self._changes(host), "drift_seen": at},
                                '"host" = ?', host)
        self._alert(rows, schedule.name)

    def _is_known(self, row: Mapping[str, Any]) -> bool:
        """Whether the look before found the same, within a day: it is not written down again."""
        before = self._drift.find('"schedule_id" = ? AND "host" = ? ORDER BY "at" DESC', row["schedule_id"],
                                  row["host"])
        return (before is not None and row["at"] - before.at < REPEATED
                and (before.changes, before.tasks) == (row["changes"], row["tasks"]))

    def withdraw(self, schedule_id: str) -> None:
        """After it was deleted, or is no plan any more: its alerts end, and what it said counts no more.

        Within the transaction that changed it.
        """
        self._alerts.close_all(f"drift:{schedule_id}:")
        rows = self._books.database.select('SELECT DISTINCT "host" FROM drift WHERE "schedule_id" = ?', (schedule_id,))
        for host in (unescape(str(row[0])) for row in rows):
            self._states.change({"drift_changes": self._changes(host)}, '"host" = ?', host)

    def _changes(self, host: str) -> int:
        """The host's count: what each plan said last, added up."""
        rows = self._books.database.select(
            'SELECT coalesce(sum(n."changes"), 0) FROM (SELECT (SELECT d."changes" FROM drift d'
            ' WHERE d."schedule_id" = s."id" AND d."host" = ? ORDER BY d."at" DESC LIMIT 1) AS "changes"'
            " FROM schedules s WHERE s.\"kind\" = 'plan') n", (self._books.database.write["text"](host),))
        return int(rows[0][0])

    def _alert(self, rows: Sequence[Mapping[str, Any]], schedule: str) -> None:
        """An alert for each host; told in one message: a change to a playbook may concern all of them."""
        drifted: list[Mapping[str, Any]] = []
        straight: list[str] = []
        for row in rows:
            host, key = str(row["host"]), f"drift:{row['schedule_id']}:{row['host']}"
            if not row["changes"]:
                if self._alerts.close(key):
                    straight.append(host)
            elif self._alerts.open(key, Notice(DRIFT, host, _words(row, schedule), _tasks(row)), tell=False):
                drifted.append(row)
        about = {"run_id": rows[0]["run_id"], "schedule_id": rows[0]["schedule_id"]} if rows else {}
        if len(drifted) == 1:
            row = drifted[0]
            self._outbox.tell(Notice(DRIFT, str(row["host"]), _words(row, schedule), _tasks(row), **about))
        elif drifted:
            hosts = named([str(row["host"]) for row in drifted])
            self._outbox.tell(Notice(
                DRIFT, hosts, f"{len(drifted)} hosts have drifted from {schedule}",
                tuple(_words(row, schedule) for row in drifted), **about))
        if straight:
            verb = "is" if len(straight) == 1 else "are"
            self._outbox.tell(Notice(DRIFT_OVER, named(straight), f"{named(straight)} {verb} as {schedule} says", (),
                                     **about))

    # ---- asking

    def list(self, identity: Identity, page: PageRequest, *, host: str | None = None, schedule_id: str | None = None,
             drifted: bool | None = None) -> Page[Drift]:
        """The newest first: over time where a host or a schedule is given. For whoever may see the whole fleet."""
        if not may(identity, VIEW):
            return Page([])
        wanted, values = ["1 = 1"], []
        for column, value in (("host", host), ("schedule_id", schedule_id)):
            if value is not None:
                wanted.append(f'"{column}" = ?')
                values.append(value)
        if drifted is not None:
            wanted.append('"changes" > 0' if drifted else '"changes" = 0')
        return page_of(self._drift, page, SORTS, " AND ".join(wanted), *values, default="-at")

    def now(self, identity: Identity, page: PageRequest) -> Page[Drift]:
        """What each schedule last said of each host that is not as it should be."""
        if not may(identity, VIEW):
            return Page([])
        newest = ('"changes" > 0 AND "host" IN (SELECT h."host" FROM host_states h WHERE h."drift_changes" > 0)'
                  f' AND "at" = {_NEWEST} AND EXISTS (SELECT 1 FROM schedules s WHERE s."id" = drift."schedule_id"'
                  " AND s.\"kind\" = 'plan')")
        return page_of(self._drift, page, SORTS, newest, default="host")

    def forget(self, before: datetime) -> int:
        """Drop what is older, but for what each schedule last said of each host."""
        with self._books.transaction():
            return self._drift.delete(f'"at" < ? AND "at" < {_NEWEST}', before)


def _words(row: Mapping[str, Any], schedule: str) -> str:
    count = int(row["changes"])
    return f"{row['host']} has drifted: {count} task{'' if count == 1 else 's'} of {schedule} would change it"


def _tasks(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{task['task']} ({task['module']})" for task in row["tasks"])


class HostChanges(Struct):
    count: int
    tasks: list[dict[str, Any]]


def by_host(results: Iterable[_Changed]) -> dict[str, HostChanges]:
    """Pure: the changed results of a plan, a line each. Of a loop its summary counts, not its items."""
    found: dict[str, HostChanges] = {}
    for result in results:
        if result.item_index is not None:
            continue
        host = found.setdefault(result.host, HostChanges(0, []))
        host.count += 1
        if host.count <= MOST_TASKS:
            host.tasks.append({"task": one_line(result.task_name, LONGEST_NAME), "module": one_line(result.module),
                               "diff": "" if result.no_log else diff_summary(result.diff)})
    return found


def diff_summary(diff: Sequence[Mapping[str, Any]]) -> str:
    """Which file or thing, and how many lines come and go. Never the lines: they may hold what is secret."""
    parts = []
    for one in diff:
        name = one.get("after_header") or one.get("before_header") or ""
        before, after = one.get("before", ""), one.get("after", "")
        if isinstance(before, str) and isinstance(after, str):
            olds, news = before.splitlines(), after.splitlines()
            gone, came = _left_of(olds, news), _left_of(news, olds)
            parts.append(f"{one_line(str(name), 120)} +{came} -{gone}".strip())
        elif isinstance(before, dict) and isinstance(after, dict):
            keys = sorted(str(key) for key in {*before, *after} if before.get(key) != after.get(key))
            parts.append(one_line(f"{name} {', '.join(keys)}".strip(), 120))
    return one_line("; ".join(part for part in parts if part), LONGEST_DIFF)


def _left_of(lines: Sequence[str], others: Sequence[str]) -> int:
    from collections import Counter

    return sum((Counter(lines) - Counter(others)).values())
