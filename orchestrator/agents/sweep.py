"""What time does: jobs grow too old, leases run out, lost attempts are offered again, old rows go.

Called every few seconds by the server, and by a run that waits without one. Two that sweep at once do each thing once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from orchestrator.agents.office import Office
from orchestrator.agents.rows import JobRow, offer_after
from orchestrator.agents.states import NEW_ATTEMPT, TERMINAL, Event, State, after

RETENTION_EVERY = timedelta(minutes=10)
ORPHANED_AFTER = timedelta(hours=1)
"""A file's parts are stored before the job that needs them."""


class Swept(Struct):
    """How many of each."""

    expired: int = 0
    queued_again: int = 0
    lost: int = 0
    offered_again: int = 0
    forgotten: int = 0


class Sweep:
    def __init__(self, office: Office, before: Callable[[], None] = lambda: None) -> None:
        self._office = office
        self._before = before
        self._forgot: datetime | None = None
        self._began = office.clock()

    def sweep(self) -> Swept:
        """Do what is due now, by the server's clock."""
        self._before()
        office, now, done = self._office, self._office.clock(), Swept()
        for row in self._due(now):
            with office.database.transaction():
                fresh = office.jobs.find('"id" = ?', row.id, lock=True)
                if fresh is not None:
                    self._settle(fresh, now, done)
        if self._forgot is None or now - self._forgot >= RETENTION_EVERY:
            self._forgot = now
            with office.database.transaction():
                done.forgotten = self._forget(now)
        office.audit.flush()
        return done

    def _due(self, now: datetime) -> list[JobRow]:
        return self._office.jobs.all(
            '("state" = ? AND "expires" <= ?) OR ("state" IN (?, ?) AND "lease_until" <= ?)'
            ' OR ("state" = ? AND "offer_after" <= ?)',
            State.QUEUED.value, now, State.CLAIMED.value, State.STARTED.value, now, State.LOST.value, now)

    def _is_silent(self, row: JobRow, now: datetime) -> bool:
        """Its lease is over, and somebody was here to hear it for as long as a lease lasts: while no server ran, the
        silence was not the host's."""
        listened = now - self._began >= timedelta(seconds=self._office.timing.watchdog_s)
        return listened and _over(row.lease_until, now)

    def _settle(self, row: JobRow, now: datetime, done: Swept) -> None:
        """One job, looked at again within the transaction: its host may have been faster."""
        state = State(row.state)
        if state is State.QUEUED and row.expires <= now:
            self._become(row, Event.EXPIRE, ended=now)
            done.expired += 1
        elif state is State.CLAIMED and self._is_silent(row, now):
            self._become(row, Event.LAPSE, claim_key="", claimed=None, lease_until=None, next_seq=1)
            done.queued_again += 1
        elif state is State.STARTED and self._is_silent(row, now):
            self._become(row, Event.LAPSE, lost=now, lease_until=None, offer_after=offer_after(row, now))
            done.lost += 1
        elif state is State.LOST and _over(row.offer_after, now):
            self._become(row, Event.OFFER_AGAIN, claim_key="", claimed=None, started=None, lost=None,
                         offer_after=None, next_seq=1, reoffers=row.reoffers + 1)
            done.offered_again += 1

    def _become(self, row: JobRow, event: Event, **changes: Any) -> None:
        old = State(row.state)
        attempt = row.attempt + ((old, event) in NEW_ATTEMPT)
        self._office.jobs.change({**changes, "state": after(old, event), "attempt": attempt}, '"id" = ?', row.id)
        self._office.audit.write("orch", f"job.{event}", row.id, host=row.host, attempt=row.attempt)
        self._office.database.notify(row.id)

    # ---- retention

    def _forget(self, now: datetime) -> int:
        office, timing = self._office, self._office.timing
        ends = ", ".join(f"'{state.value}'" for state in sorted(TERMINAL))
        count = office.jobs.delete(
            f'"state" IN ({ends}) AND "created" < ? AND ("ended" < ? OR "lost" < ?)',
            *(now - timedelta(seconds=timing.keep_jobs_s),) * 3)
        count += office.blobs.delete(
            '"created" < ? AND NOT EXISTS (SELECT 1 FROM mailbox_job_blobs b WHERE b."name" = mailbox_blobs."name")',
            now - ORPHANED_AFTER)
        count += office.database.execute(
            'DELETE FROM agent_logs WHERE "at" < ?',
            (office.database.write["time"](now - timedelta(seconds=timing.keep_logs_s)),))
        count += office.invitations.delete('"expires" < ?', now - timedelta(seconds=timing.keep_jobs_s))
        return count + office.certificates.delete(
            '"not_after" < ?', now - timedelta(seconds=timing.keep_certificates_s))


def _over(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now
