"""What is told when a run has ended. Called within the transaction that settles the run, once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from orchestrator.notify.alerts import Alerts
from orchestrator.notify.occasions import (
    HOST_BACK,
    HOST_LOST,
    RUN_FAILED,
    RUN_INTERRUPTED,
    RUN_RECOVERED,
    RUN_SUCCEEDED,
    Notice,
    named,
)
from orchestrator.notify.outbox import Outbox
from orchestrator.store.books import Books
from orchestrator.store.table import marks

FAILED = ("failed", "unreachable")
CUT_OFF = ("interrupted",)
WENT_WELL = ("ok",)
MOST_HOSTS = 10
MOST_ALERTS = 200
"""Hosts of one run that an alert is opened for; where more are lost at once, it is the network, and the run says so."""
LOST = ("unreachable", "lost")


class EndedRun(Protocol):
    """What of a run's record is looked at."""

    id: str
    kind: str
    status: str
    playbooks: list[str]
    recap: dict[str, dict[str, int]]
    started: datetime
    parent_id: str | None
    project_id: str | None
    inventory_id: str | None
    schedule_id: str | None
    message: str


class _Fault(Struct):
    host: str
    task_name: str
    status: str
    message: str


class _Before(Struct):
    status: str


class RunEnds:
    def __init__(self, books: Books, outbox: Outbox, alerts: Alerts) -> None:
        self._outbox = outbox
        self._alerts = alerts
        self._books = books
        self._results = books.table("task_results", _Fault)
        self._runs = books.table("runs", _Before)

    def on_end(self, run: EndedRun) -> None:
        """Tell of a run, and of hosts that it lost or found again. Within the caller's transaction."""
        if run.parent_id is not None:
            return  # a slice: its run is told of
        name = self._name(run)
        if run.status in FAILED + CUT_OFF:
            occasion, words = (RUN_FAILED, "failed") if run.status in FAILED else (RUN_INTERRUPTED, "was cut off")
            lines = [run.message] if run.message else []
            self._outbox.tell(Notice(occasion, name, f"{name} {words}", tuple(lines + self._faults(run)), run.id,
                                     run.schedule_id))
        elif run.status in WENT_WELL:
            if self._before(run) in FAILED + CUT_OFF:
                self._outbox.tell(Notice(RUN_RECOVERED, name, f"{name} went well again", (), run.id, run.schedule_id))
            self._outbox.tell(Notice(RUN_SUCCEEDED, f"{name} {run.id}", f"{name} went well", (_counts(run.recap),),
                                     run.id, run.schedule_id))
        self._hosts(run, name)

    def _name(self, run: EndedRun) -> str:
        if run.schedule_id is not None:
            rows = self._books.database.select('SELECT "name" FROM schedules WHERE "id" = ?', (run.schedule_id,))
            if rows:
                return f"schedule {rows[0][0]}"
        return f"{'the plan of' if run.kind == 'plan' else 'the run of'} {', '.join(run.playbooks) or run.id}"

    def _faults(self, run: EndedRun) -> list[str]:
        """A line for each host at which something went wrong."""
        bad = [host for host, counts in sorted(run.recap.items()) if is_bad(counts)]
        rows = self._results.all(
            f'"run_id" IN (SELECT "id" FROM runs WHERE "id" = ? OR "parent_id" = ?) AND "ignored" = ? AND "rescued" = ?'
            f' AND "status" IN ({marks(_BAD)}) ORDER BY "seq" LIMIT 200', run.id, run.id, False, False, *_BAD)
        first: dict[str, str] = {}
        for row in rows:
            first.setdefault(row.host, f"{row.host}: {row.task_name}: {row.message or row.status}")
        return [first.get(host, host) for host in bad]

    def _before(self, run: EndedRun) -> str | None:
        """How the run before this one ended: of its schedule, or else of the same playbooks and inventory."""
        ended = '"parent_id" IS NULL AND "id" != ? AND "ended" IS NOT NULL AND "started" <= ?'
        ended += ' AND "status" NOT IN (\'running\', \'queued\', \'cancelled\')'
        newest = 'ORDER BY "started" DESC, "id" DESC'
        if run.schedule_id is not None:
            row = self._runs.find(f'"schedule_id" = ? AND {ended} {newest}', run.schedule_id, run.id, run.started)
        else:
            playbooks = self._books.database.write["json"](run.playbooks)
            row = self._runs.find(
                f'"schedule_id" IS NULL AND "project_id" = ? AND "inventory_id" = ? AND CAST("playbooks" AS TEXT) = ?'
                f' AND "kind" = ? AND {ended} {newest}', run.project_id, run.inventory_id, playbooks, run.kind, run.id,
                run.started)
        return row.status if row else None

    def _hosts(self, run: EndedRun, name: str) -> None:
        """Alerts of hosts, each its own; told in one message, for when the network fails it is many."""
        lost = sorted(host for host, counts in run.recap.items() if any(counts.get(one) for one in LOST))
        there = {alert.key for alert in self._alerts.all_open(HOST_LOST)}
        gone = [host for host in lost[:MOST_ALERTS] if self._alerts.open(
            _key(host), Notice(HOST_LOST, host, f"{host} was lost in {name}", (), run.id), tell=False)]
        back = [host for host in sorted(run.recap)
                if host not in lost and _key(host) in there and self._alerts.close(_key(host))]
        for occasion, hosts, words in ((HOST_LOST, gone, f"lost in {name}"), (HOST_BACK, back, "there again")):
            if hosts:
                verb = "were" if occasion == HOST_LOST else "are"
                verb = verb if len(hosts) > 1 else "was" if occasion == HOST_LOST else "is"
                self._outbox.tell(Notice(occasion, named(hosts), f"{named(hosts)} {verb} {words}",
                                         tuple(hosts) if len(hosts) > 1 else (), run.id, run.schedule_id))


_BAD = ("failed", "unreachable", "lost", "interrupted")


def is_bad(counts: Mapping[str, int]) -> bool:
    """Whether a host's line of the recap tells of something that went wrong."""
    return any(counts.get(one) for one in _BAD)


def _counts(recap: Mapping[str, Mapping[str, int]]) -> str:
    changed = sum(1 for counts in recap.values() if counts.get("changed"))
    return f"{len(recap)} host{'' if len(recap) == 1 else 's'}, {changed} changed"


def _key(host: str) -> str:
    return f"host_lost:{host}"


