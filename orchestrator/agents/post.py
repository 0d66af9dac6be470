"""The carrier's side of the mailbox: post a job, follow it, take what it brought. Synchronous; one thread at a time.

A run that ends leaves its jobs where they are; whoever looks later finds them by the same id.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from os import PathLike
from typing import Any

from msgspec import Struct

from agentlet import wire
from orchestrator.agents.blobs import are_whole, parts, put_blobs
from orchestrator.agents.envelope import Envelope, to_text
from orchestrator.agents.office import Clock, Office, utc_now
from orchestrator.agents.records import ACTIVE, Agent, JobState, Timing
from orchestrator.agents.registry import liveness
from orchestrator.agents.results import opened
from orchestrator.agents.rows import UPLOAD, JobBlobRow, JobRow
from orchestrator.agents.states import TERMINAL, WITH_AGENT, Event, State, after
from orchestrator.errors import ProtocolError, StoreError
from orchestrator.security.master import MasterKey
from orchestrator.store.database import Database

BlobSource = Mapping[str, "str | PathLike[str] | bytes"]
DEFAULT_TTL_S = 86_400


class Uploaded(Struct, frozen=True):
    """A file that the host has sent, or is sending."""

    stream: str
    size: int
    complete: bool
    meta: dict[str, Any]
    """What the host says of it: path, mode, size. Its word: check it."""


class Post:
    def __init__(self, database: Database, master: MasterKey, clock: Clock = utc_now,
                 timing: Timing | None = None) -> None:
        self._office = Office(database, master, None, clock, timing)

    # ---- who is there

    def agent_for(self, host: str) -> Agent | None:
        """The active agentlet of a host of the inventory. `StoreError` when somebody else has put it there."""
        agent = self._office.agents.find('"host" = ? AND "state" = ?', host, ACTIVE)
        if agent is not None and not self._office.is_genuine(agent):
            raise StoreError(f"the store was altered: {agent.id} is not the agentlet of {host}", code="agent_altered",
                             hint=f"orch agents remove {agent.id}; invite {host} anew; and see who can write there")
        return agent

    def agents(self) -> list[Agent]:
        """All active ones, by host: the inventory's source. Labels are the operator's; facts are the host's word."""
        return self._office.agents.all('"state" = ? ORDER BY "host"', ACTIVE)

    def facts(self, agent: Agent) -> dict[str, Any]:
        found: dict[str, Any] = self._office.agents.value("facts", '"id" = ?', agent.id)
        return found

    def online(self, agent: Agent) -> bool:
        """Whether it has called within three intervals. It says nothing about any job."""
        return liveness(agent, self._office.clock(), self._office.timing) == "online"

    # ---- a job

    def post(self, envelope: Envelope, blobs: BlobSource | None = None, ttl_s: float = DEFAULT_TTL_S) -> JobState:
        """Put a job into the mailbox of its host's agentlet; returns where it stands.

        Posting the same (job, attempt) again changes nothing: a run that is resumed attaches so. What is over without
        anything having happened, or whose results are stored, is replaced; so is an older attempt, unless that is still
        with the host. ``blobs`` has each file and source that the envelope names.
        Raises `StoreError`: ``agent_unknown``, ``job_with_host``.
        """
        agent = self.agent_for(envelope.host)
        if agent is None:
            raise StoreError(f"{envelope.host} has no agentlet", code="agent_unknown",
                             hint=f"orch agents invite {envelope.host}")
        known = self._there(envelope)
        if known is not None and _is_meant(known, envelope):
            return _state(known)
        office, now = self._office, self._office.clock()
        sizes = {digest: size for digest, size in [*envelope.blobs, *((d, s) for _, d, s in envelope.sources)]}
        rows = put_blobs(office, envelope.job, sizes, blobs or {})
        sealed = self._sealed(envelope, agent, now, ttl_s)
        with office.database.transaction():
            known = self._there(envelope, lock=True)
            if known is not None and _is_meant(known, envelope):
                return _state(known)
            if known is not None:
                # Attempts of a job only ever count up, here and on its host: that is what fences the older ones off.
                envelope.attempt = max(envelope.attempt, known.attempt + 1)
                office.jobs.delete('"id" = ?', known.id)
            office.jobs.insert({**_new_row(envelope, agent, sealed, now, ttl_s),
                                "seal": office.job_seal(envelope.job, envelope.host)})
            if not are_whole(office, rows):
                raise StoreError("a file of the job was swept away", code="blob_missing", hint="run it again")
            if rows:
                office.job_blobs.insert(*rows)
            office.database.notify(envelope.job)
        return self.state_of(envelope.job)

    def state_of(self, job: str) -> JobState:
        """Where a job stands, in its present attempt. Raises `StoreError` (``job_unknown``)."""
        row = self._office.jobs.find('"id" = ?', job)
        if row is None:
            raise StoreError(f"there is no job {job} in the mailbox", code="job_unknown",
                             hint="it was stored too long ago, or the store was restored from a backup")
        return _state(row)

    def jobs_of(self, run_id: str) -> list[JobState]:
        """All jobs of a run that are in the mailbox still, the oldest first."""
        return [_state(row) for row in self._office.jobs.all('"run_id" = ? ORDER BY "created", "id"', run_id)]

    def events_after(self, job: str, attempt: int, seq: int = 0, limit: int = 10_000) -> list[dict[str, Any]]:
        """Events from behind ``seq`` on, in order and without a gap. Raises `ProtocolError` for what is no event."""
        found: list[dict[str, Any]] = []
        for first, heads in opened(self._office, job, attempt, seq):
            for number, head in enumerate(heads, first):
                found.append(_event(head, job, number))
            if len(found) >= limit:
                break
        return found

    def cancel(self, job: str) -> JobState:
        """Ask for its end. What waits ends at once; what is with the host ends when the host says so."""
        office, now = self._office, self._office.clock()
        with office.database.transaction():
            row = office.jobs.find('"id" = ?', job, lock=True)
            if row is not None and (State(row.state) not in TERMINAL or row.state == State.LOST):
                new = after(State(row.state), Event.CANCEL)
                ended = now if new is State.CANCELLED else None
                office.jobs.change({"cancel": True, "state": new, "offer_after": None, "ended": ended},
                                   '"id" = ?', job)
                office.database.notify(job)
        return self.state_of(job)

    def ack(self, job: str, attempt: int) -> None:
        """The results are stored: what was sealed here goes, tasks, events and files; the row stays for a while."""
        office = self._office
        with office.database.transaction():
            changed = office.jobs.change({"acked": True, "body": b""}, '"id" = ? AND "attempt" = ? AND "state" IN '
                                         f"({', '.join(repr(s.value) for s in sorted(TERMINAL))})", job, attempt)
            if changed:
                office.events.delete('"job_id" = ?', job)
                office.blobs.delete('"name" IN (SELECT "name" FROM mailbox_job_blobs'
                                    ' WHERE "job_id" = ? AND "kind" = ?)', job, UPLOAD)
                office.job_blobs.delete('"job_id" = ?', job)

    # ---- files from the host

    def uploads(self, job: str, attempt: int) -> list[Uploaded]:
        prefix = self._office.upload_name(job, attempt, "")
        rows: list[JobBlobRow] = self._office.job_blobs.all('"job_id" = ? AND "kind" = ?', job, UPLOAD)
        return [Uploaded(row.name.removeprefix(prefix), row.size, row.complete,
                         json.loads(self._office.master.open(row.meta, f"upload:{row.name}")))
                for row in rows if row.name.startswith(prefix)]

    def upload(self, job: str, attempt: int, stream: str, first_part: int = 0) -> Iterator[bytes]:
        """The bytes of a file that are here by now, part by part. ``first_part``: so many were taken before."""
        name = self._office.upload_name(job, attempt, stream)
        row = self._office.job_blobs.find('"job_id" = ? AND "name" = ?', job, name)
        return parts(self._office, name, first_part, row.parts - 1) if row else iter(())

    # ---- within

    def _there(self, envelope: Envelope, lock: bool = False) -> JobRow | None:
        """The job's row, if there is one; raises `StoreError` when it is in the way."""
        row = self._office.jobs.find('"id" = ?', envelope.job, lock=lock)
        if row is not None and not _is_meant(row, envelope) and State(row.state) in WITH_AGENT:
            raise StoreError(f"job {row.id} is with its host still", code="job_with_host",
                             hint="wait for it, or cancel it: orch runs cancel")
        return row

    def _sealed(self, envelope: Envelope, agent: Agent, now: datetime, ttl_s: float) -> bytes:
        envelope.agent, envelope.created = agent.id, int(now.timestamp())
        envelope.expires = int(now.timestamp() + ttl_s)
        return self._office.master.seal(to_text(envelope).encode("ascii"), self._office.body_purpose(envelope.job))


def _is_meant(row: JobRow, envelope: Envelope) -> bool:
    """Whether what is there is what the run asks for: its attempt, or what the mailbox has made of that by queueing the
    job again (a claim that was never begun, a lost one).
    """
    nothing_happened = row.state == State.EXPIRED or (row.state == State.CANCELLED and row.next_seq == 1)
    return row.attempt >= envelope.attempt and not row.acked and not nothing_happened


def _new_row(envelope: Envelope, agent: Agent, sealed: bytes, now: datetime, ttl_s: float) -> dict[str, Any]:
    return {
        "id": envelope.job, "agent_id": agent.id, "host": envelope.host, "run_id": envelope.run,
        "state": State.QUEUED, "claim_key": "", "status": None, "digest": None, "body": sealed,
        "attempt": envelope.attempt, "priority": envelope.priority, "next_seq": 1, "event_count": None, "evicted": 0,
        "reoffers": 0, "cancel": False, "acked": False, "digest_ok": True,
        "retry_safe": all(bool(task.get("retry_safe")) for task in envelope.tasks),
        "created": now, "expires": now + timedelta(seconds=ttl_s), "claimed": None, "started": None,
        "lease_until": None, "lost": None, "offer_after": None, "ended": None}


def _state(row: JobRow) -> JobState:
    return JobState(row.id, row.agent_id, row.host, row.run_id, row.state, row.attempt, row.next_seq, row.status,
                    row.event_count, row.digest_ok, row.evicted, row.cancel, row.acked, row.expires, row.offer_after,
                    row.reoffers)


def _event(head: str, job: str, seq: int) -> dict[str, Any]:
    try:
        header = wire.parse_header(head.encode("ascii"))
    except wire.WireError as error:
        raise ProtocolError(f"the host has sent what is no event: {error}") from None
    if header.get("job") != job or header.get("seq") != seq:
        raise ProtocolError(f"event {seq} of job {job} says that it is event {header.get('seq')!r} of another")
    return header
