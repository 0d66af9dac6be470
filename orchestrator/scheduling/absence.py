"""What did not happen: a scheduled run that did not start within its grace. Seen in the store, by any process.

It does not ask the clockwork, which may be what hangs: a time that nobody decided about, or a run that no worker took,
is told by whoever is alive. It is over when a later run of the schedule has begun.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from orchestrator.notify.alerts import Alerts
from orchestrator.notify.occasions import AGENTLET_BACK, AGENTLET_LOST, SCHEDULE_KEPT, SCHEDULE_MISSED, Notice
from orchestrator.scheduling.firing import missed_key
from orchestrator.scheduling.records import ACTIVE, SCHEDULES
from orchestrator.store.books import Books
from orchestrator.store.records import QUEUED

AGENTLET_SILENT = timedelta(hours=24)
MOST_AT_ONCE = 200


class Expected(Struct, frozen=True):
    """What is known of one schedule."""

    next_due: datetime | None
    grace_s: int
    queued_since: datetime | None = None
    """Since when its oldest run waits for a worker."""


def why_absent(expected: Expected, now: datetime) -> str | None:
    """Pure: what should have begun and has not, in words; None where all is well."""
    grace = timedelta(seconds=expected.grace_s)
    if expected.next_due is not None and now - expected.next_due > grace:
        return f"it was due at {expected.next_due:%Y-%m-%d %H:%M} UTC, and nobody has looked at it"
    if expected.queued_since is not None and now - expected.queued_since > grace:
        return f"its run has waited for a worker since {expected.queued_since:%Y-%m-%d %H:%M} UTC"
    return None


class _Row(Struct):
    id: str
    name: str
    next_due: datetime | None
    grace_s: int


class _Agent(Struct):
    id: str
    host: str
    last_seen: datetime | None


class _Begun(Struct):
    id: str


class _Waiting(Struct):
    schedule_id: str
    queued: datetime


class Absence:
    def __init__(self, books: Books, alerts: Alerts) -> None:
        self._books = books
        self._alerts = alerts
        self._schedules = books.table(SCHEDULES, _Row)
        self._agents = books.table("agents", _Agent)
        self._runs = books.table("runs", _Begun)
        self._waiting = books.table("runs", _Waiting)

    def check(self) -> int:
        """Open and close what is to be; returns how many alerts were opened."""
        return self._missed() + self._kept() + self._agentlets()

    def _missed(self) -> int:
        now, opened = self._books.clock(), 0
        queued = self._queued_since()
        for row in self._schedules.all('"state" = ? ORDER BY "id"', ACTIVE):
            why = why_absent(Expected(row.next_due, row.grace_s, queued.get(row.id)), now)
            if why is not None and self._alerts.find_open(missed_key(row.id)) is None:
                with self._books.transaction():
                    opened += self._alerts.open(missed_key(row.id), Notice(
                        SCHEDULE_MISSED, row.name, f"The schedule {row.name} did not start in time", (why,),
                        schedule_id=row.id))
        return opened

    def _queued_since(self) -> dict[str, datetime]:
        """Of each schedule that has a run which waits for a worker, since when the oldest one does."""
        rows = self._waiting.all('"status" = ? AND "worker_id" IS NULL AND "schedule_id" IS NOT NULL'
                                 ' AND "parent_id" IS NULL AND "queued" IS NOT NULL ORDER BY "queued" DESC', QUEUED)
        return {row.schedule_id: row.queued for row in rows}

    def _kept(self) -> int:
        """Close the alerts of schedules of which a run has begun since."""
        for alert in self._alerts.all_open(SCHEDULE_MISSED):
            schedule_id = alert.key.partition(":")[2]
            row = self._schedules.find('"id" = ?', schedule_id)
            begun = self._runs.find('"schedule_id" = ? AND "parent_id" IS NULL AND "status" != \'queued\' AND ('
                                    '"heartbeat" >= ? OR "ended" >= ? OR "started" >= ?) ORDER BY "started" DESC',
                                    schedule_id, alert.opened, alert.opened, alert.opened)
            if row is None or begun is not None:
                with self._books.transaction():
                    self._alerts.close(alert.key, None if row is None else Notice(
                        SCHEDULE_KEPT, row.name, f"The schedule {row.name} is kept again", (),
                        begun.id if begun else None, schedule_id))
        return 0

    def _agentlets(self) -> int:
        """Those that have not called for a day; a laptop on its way may, so it is told once and not more."""
        since, opened = self._books.clock() - AGENTLET_SILENT, 0
        silent = self._agents.all('"state" = \'active\' AND "last_seen" < ? ORDER BY "last_seen" DESC LIMIT ?', since,
                                  MOST_AT_ONCE)
        for agent in silent:
            if self._alerts.find_open(_agent_key(agent.id)) is None:
                with self._books.transaction():
                    opened += self._alerts.open(_agent_key(agent.id), Notice(
                        AGENTLET_LOST, agent.host, f"The agentlet of {agent.host} has not called for a day"))
        for alert in self._alerts.all_open(AGENTLET_LOST):
            row = self._agents.find('"id" = ? AND "state" = \'active\'', alert.key.partition(":")[2])
            if row is None or (row.last_seen is not None and row.last_seen >= since):
                with self._books.transaction():
                    self._alerts.close(alert.key, None if row is None else Notice(
                        AGENTLET_BACK, row.host, f"The agentlet of {row.host} calls again"))
        return opened


def _agent_key(agent_id: str) -> str:
    return f"agentlet_lost:{agent_id}"
