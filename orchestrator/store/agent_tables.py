"""The tables of agentlets, the mailbox and the audit trail, as SQLModel classes; see `orchestrator.store.tables`.

What of a job could tell a secret (tasks, events, files) lies here sealed, with a key that is not in the database. A
column ``seal`` binds what must belong together (an agentlet and its host …), so that nobody gives himself another's
place by writing here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, LargeBinary, text
from sqlmodel import Field

from orchestrator.store.tables import BIG_ID, HostText, Table, UtcDateTime

_ACTIVE = text("state = 'active'")


class AgentRow(Table, table=True):
    """An enrolled agentlet. Rows are never deleted, so that an id is never given twice."""

    __tablename__ = "agents"
    __table_args__ = (
        Index("ix_agents_host_active", "host", unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
        Index(None, "machine_id"),
    )

    id: str = Field(primary_key=True, sa_type=HostText)
    host: str = Field(sa_type=HostText)
    state: str = Field(sa_type=HostText)
    machine_id: str = Field(sa_type=HostText)
    instance_id: str = Field(sa_type=HostText)
    mode: str = Field(sa_type=HostText)
    version: str = Field(sa_type=HostText)
    platform: str = Field(sa_type=HostText)
    clone_of: str | None = Field(sa_type=HostText)
    note: str = Field(sa_type=HostText)
    seal: str = Field(sa_type=HostText)
    generation: int
    next_generation: int | None
    protocol: int
    interval_s: int
    ring: int | None
    config: int
    python: list[int] = Field(sa_type=JSON, nullable=False)
    labels: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    facts: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    renew: bool
    enrolled: datetime = Field(sa_type=UtcDateTime)
    last_seen: datetime | None = Field(sa_type=UtcDateTime)
    recovery_asked: datetime | None = Field(sa_type=UtcDateTime)
    recovery_approved: datetime | None = Field(sa_type=UtcDateTime)


class AgentCertificateRow(Table, table=True):
    __tablename__ = "agent_certificates"
    __table_args__ = (Index(None, "agent_id"), Index(None, "digest", unique=True))

    serial: str = Field(primary_key=True, sa_type=HostText)
    agent_id: str = Field(foreign_key="agents.id", ondelete="CASCADE", sa_type=HostText)
    digest: str = Field(sa_type=HostText)
    seal: str = Field(sa_type=HostText)
    generation: int
    not_before: datetime = Field(sa_type=UtcDateTime)
    not_after: datetime = Field(sa_type=UtcDateTime)
    issued: datetime = Field(sa_type=UtcDateTime)
    first_used: datetime | None = Field(sa_type=UtcDateTime)
    revoked: datetime | None = Field(sa_type=UtcDateTime)
    authority: str | None = Field(sa_type=HostText)


class InvitationRow(Table, table=True):
    __tablename__ = "invitations"
    __table_args__ = (Index(None, "token_hash", unique=True),)

    id: str = Field(primary_key=True, sa_type=HostText)
    token_hash: str = Field(sa_type=HostText)
    host: str = Field(sa_type=HostText)
    created_by: str = Field(sa_type=HostText)
    used_by: str | None = Field(sa_type=HostText)
    address: str | None = Field(sa_type=HostText)
    labels: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    created: datetime = Field(sa_type=UtcDateTime)
    expires: datetime = Field(sa_type=UtcDateTime)
    used: datetime | None = Field(sa_type=UtcDateTime)


class MailboxJobRow(Table, table=True):
    """A job and its newest attempt. ``body`` is sealed, and emptied once its results are stored."""

    __tablename__ = "mailbox_jobs"
    __table_args__ = (Index(None, "agent_id", "state"), Index(None, "state", "lease_until"))

    id: str = Field(primary_key=True, sa_type=HostText)
    agent_id: str = Field(foreign_key="agents.id", ondelete="CASCADE", sa_type=HostText)
    host: str = Field(sa_type=HostText)
    run_id: str = Field(sa_type=HostText)
    state: str = Field(sa_type=HostText)
    claim_key: str = Field(sa_type=HostText)
    status: str | None = Field(sa_type=HostText)
    digest: str | None = Field(sa_type=HostText)
    seal: str = Field(sa_type=HostText)
    body: bytes = Field(sa_type=LargeBinary)
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
    created: datetime = Field(sa_type=UtcDateTime)
    expires: datetime = Field(sa_type=UtcDateTime)
    claimed: datetime | None = Field(sa_type=UtcDateTime)
    started: datetime | None = Field(sa_type=UtcDateTime)
    lease_until: datetime | None = Field(sa_type=UtcDateTime)
    lost: datetime | None = Field(sa_type=UtcDateTime)
    offer_after: datetime | None = Field(sa_type=UtcDateTime)
    ended: datetime | None = Field(sa_type=UtcDateTime)


class MailboxEventsRow(Table, table=True):
    """A batch of an attempt's events: ``count`` of them from ``seq`` on, sealed together."""

    __tablename__ = "mailbox_events"

    job_id: str = Field(primary_key=True, foreign_key="mailbox_jobs.id", ondelete="CASCADE", sa_type=HostText)
    attempt: int = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    count: int
    heads: bytes = Field(sa_type=LargeBinary)


class MailboxBlobRow(Table, table=True):
    """A part of a file on its way to or from a host, sealed. ``name`` tells nothing of what is in it."""

    __tablename__ = "mailbox_blobs"

    name: str = Field(primary_key=True, sa_type=HostText)
    part: int = Field(primary_key=True)
    created: datetime = Field(sa_type=UtcDateTime)
    data: bytes = Field(sa_type=LargeBinary)


class MailboxJobBlobRow(Table, table=True):
    __tablename__ = "mailbox_job_blobs"
    __table_args__ = (Index(None, "name"),)

    job_id: str = Field(primary_key=True, foreign_key="mailbox_jobs.id", ondelete="CASCADE", sa_type=HostText)
    name: str = Field(primary_key=True, sa_type=HostText)
    kind: str = Field(sa_type=HostText)
    size: int = Field(sa_type=BigInteger)
    parts: int
    complete: bool
    meta: bytes = Field(sa_type=LargeBinary)


class AgentLogRow(Table, table=True):
    __tablename__ = "agent_logs"
    __table_args__ = (Index(None, "agent_id", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG_ID)
    agent_id: str = Field(foreign_key="agents.id", ondelete="CASCADE", sa_type=HostText)
    at: datetime = Field(sa_type=UtcDateTime)
    text: str = Field(sa_type=HostText)


class AuditRow(Table, table=True):
    """Who did what, and what was refused to whom."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "at"), Index(None, "subject", "id"))

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG_ID)
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str = Field(sa_type=HostText)
    action: str = Field(sa_type=HostText)
    subject: str = Field(sa_type=HostText)
    outcome: str = Field(sa_type=HostText)
    address: str = Field(sa_type=HostText)
    detail: dict[str, Any] = Field(sa_type=JSON, nullable=False)
