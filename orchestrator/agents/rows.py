"""The mailbox's rows in the store, as its parts read them; an agentlet's own is `records.Agent`."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from orchestrator.agents.states import reoffer_pause_s


class Certificate(Struct):
    """A row of ``agent_certificates``. ``revoked`` may lie ahead: it ends then."""

    serial: str
    agent_id: str
    digest: str
    seal: str
    generation: int
    not_before: datetime
    not_after: datetime
    issued: datetime
    first_used: datetime | None
    revoked: datetime | None
    authority: str | None
    """Who signed it; None of those that an older orch handed out."""


class InvitationRow(Struct):
    id: str
    token_hash: str
    host: str
    created_by: str
    used_by: str | None
    address: str | None
    labels: dict[str, object]
    created: datetime
    expires: datetime
    used: datetime | None


class JobRow(Struct):
    """A row of ``mailbox_jobs`` without its body."""

    id: str
    agent_id: str
    host: str
    run_id: str
    state: str
    claim_key: str
    status: str | None
    digest: str | None
    seal: str
    attempt: int
    priority: int
    next_seq: int
    event_count: int | None
    evicted: int
    reoffers: int
    cancel: bool
    acked: bool
    retry_safe: bool
    digest_ok: bool
    created: datetime
    expires: datetime
    claimed: datetime | None
    started: datetime | None
    lease_until: datetime | None
    lost: datetime | None
    offer_after: datetime | None
    ended: datetime | None


class EventsRow(Struct):
    """A batch of events, sealed."""

    job_id: str
    attempt: int
    seq: int
    count: int
    heads: bytes


class BlobRow(Struct):
    """A part of a file, sealed."""

    name: str
    part: int
    created: datetime
    data: bytes


BLOB, UPLOAD = "blob", "upload"


class JobBlobRow(Struct):
    """A file of a job: ``kind`` `BLOB`, to its host, or `UPLOAD`, from it."""

    job_id: str
    name: str
    kind: str
    size: int
    parts: int
    complete: bool
    meta: bytes


def offer_after(row: JobRow, now: datetime) -> datetime | None:
    """When an attempt lost just now is offered again: only if every task may run twice, and nobody cancelled it."""
    pause_s = reoffer_pause_s(row.reoffers)
    if not row.retry_safe or row.cancel or pause_s is None:
        return None
    at = now + timedelta(seconds=pause_s)
    return at if at < row.expires else None
