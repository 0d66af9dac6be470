"""The tables of the control plane: people, projects, inventories, credentials, schedules, plans, notifications.

`orchestrator.store.control_columns` names the same columns for those who do without SQLAlchemy. What is secret is
sealed under the master key (``sealed``), or stored as a hash only; see docs/store.md.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, text
from sqlmodel import Field

from orchestrator.store.tables import BIG_ID, HostText, Table, UtcDateTime

_OPEN = text("closed IS NULL")

# People


class UserRow(Table, table=True):
    __tablename__ = "users"
    __table_args__ = (Index(None, "name", unique=True), Index(None, "source", "subject"))

    id: str = Field(primary_key=True, sa_type=HostText)
    name: str = Field(sa_type=HostText)
    display_name: str = Field(sa_type=HostText)
    email: str = Field(sa_type=HostText)
    password_hash: str | None = Field(sa_type=HostText)
    role: str = Field(sa_type=HostText)
    state: str = Field(sa_type=HostText)
    source: str = Field(sa_type=HostText)
    subject: str | None = Field(sa_type=HostText)
    version: int
    must_change_password: bool
    created: datetime = Field(sa_type=UtcDateTime)
    last_login: datetime | None = Field(sa_type=UtcDateTime)
    locked: datetime | None = Field(sa_type=UtcDateTime)


class GrantRow(Table, table=True):
    """A role for a part of the fleet: a group of an inventory, or playbooks of a project by pattern."""

    __tablename__ = "grants"
    __table_args__ = (Index(None, "user_id"),)

    id: str = Field(primary_key=True, sa_type=HostText)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", sa_type=HostText)
    kind: str = Field(sa_type=HostText)
    scope_id: str = Field(sa_type=HostText)
    pattern: str = Field(sa_type=HostText)
    role: str = Field(sa_type=HostText)
    created: datetime = Field(sa_type=UtcDateTime)


class SessionRow(Table, table=True):
    __tablename__ = "sessions"
    __table_args__ = (Index(None, "user_id"), Index(None, "expires"))

    id_hash: str = Field(primary_key=True, sa_type=HostText)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", sa_type=HostText)
    csrf_hash: str = Field(sa_type=HostText)
    address: str = Field(sa_type=HostText)
    user_agent: str = Field(sa_type=HostText)
    created: datetime = Field(sa_type=UtcDateTime)
    seen: datetime = Field(sa_type=UtcDateTime)
    expires: datetime = Field(sa_type=UtcDateTime)


class ApiTokenRow(Table, table=True):
    __tablename__ = "api_tokens"
    __table_args__ = (Index(None, "token_hash", unique=True), Index(None, "user_id"))

    id: str = Field(primary_key=True, sa_type=HostText)
    user_id: str = Field(foreign_key="users.id", ondelete="CASCADE", sa_type=HostText)
    name: str = Field(sa_type=HostText)
    token_hash: str = Field(sa_type=HostText)
    scopes: list[str] = Field(sa_type=JSON, nullable=False)
    created: datetime = Field(sa_type=UtcDateTime)
    expires: datetime = Field(sa_type=UtcDateTime)
    last_used: datetime | None = Field(sa_type=UtcDateTime)
    revoked: datetime | None = Field(sa_type=UtcDateTime)


class LoginFailureRow(Table, table=True):
    """Failed attempts by what they came under: a user's name, an address."""

    __tablename__ = "login_failures"

    key: str = Field(primary_key=True, sa_type=HostText)
    count: int
    first: datetime = Field(sa_type=UtcDateTime)
    last: datetime = Field(sa_type=UtcDateTime)
    refused_until: datetime | None = Field(sa_type=UtcDateTime)


class LoginLinkRow(Table, table=True):
    """A link that is good once: the admin's first one, a password to be set anew, the way back from OIDC."""

    __tablename__ = "login_links"

    token_hash: str = Field(primary_key=True, sa_type=HostText)
    kind: str = Field(sa_type=HostText)
    user_id: str | None = Field(foreign_key="users.id", ondelete="CASCADE", sa_type=HostText)
    sealed: bytes = Field(sa_type=LargeBinary)
    created: datetime = Field(sa_type=UtcDateTime)
    expires: datetime = Field(sa_type=UtcDateTime)
    used: datetime | None = Field(sa_type=UtcDateTime)


# What is run, and where


class CredentialRow(Table, table=True):
    __tablename__ = "credentials"
    __table_args__ = (Index(None, "name", unique=True),)

    id: str = Field(primary_key=True, sa_type=HostText)
    name: str = Field(sa_type=HostText)
    kind: str = Field(sa_type=HostText)
    created_by: str = Field(sa_type=HostText)
    public: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    sealed: bytes = Field(sa_type=LargeBinary)
    version: int
    created: datetime = Field(sa_type=UtcDateTime)
    changed: datetime = Field(sa_type=UtcDateTime)
    last_used: datetime | None = Field(sa_type=UtcDateTime)


class ProjectRow(Table, table=True):
    """Where playbooks and roles lie: a directory, or a git repository that is fetched."""

    __tablename__ = "projects"
    __table_args__ = (Index(None, "name", unique=True),)

    id: str = Field(primary_key=True, sa_type=HostText)
    name: str = Field(sa_type=HostText)
    kind: str = Field(sa_type=HostText)
    path: str = Field(sa_type=HostText)
    url: str = Field(sa_type=HostText)
    ref: str = Field(sa_type=HostText)
    commit: str = Field(sa_type=HostText)
    sync_error: str = Field(sa_type=HostText)
    credential_id: str | None = Field(foreign_key="credentials.id", sa_type=HostText)
    version: int
    created: datetime = Field(sa_type=UtcDateTime)
    synced: datetime | None = Field(sa_type=UtcDateTime)
    runs_here: bool | None
    """Whether its content may run on the server itself; None, of rows older than the question, means no."""


class InventoryRow(Table, table=True):
    """``managed``: its hosts and groups are rows here; ``files``: ``sources`` within a project."""

    __tablename__ = "inventories"
    __table_args__ = (Index(None, "name", unique=True),)

    id: str = Field(primary_key=True, sa_type=HostText)
    name: str = Field(sa_type=HostText)
    kind: str = Field(sa_type=HostText)
    project_id: str | None = Field(foreign_key="projects.id", sa_type=HostText)
    sources: list[str] = Field(sa_type=JSON, nullable=False)
    vars: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    version: int
    created: datetime = Field(sa_type=UtcDateTime)
    sealed: bytes | None = Field(sa_type=LargeBinary)
    """The variables that hold secrets, which ``vars`` has with masks; None where there are none."""


class InventoryHostRow(Table, table=True):
    __tablename__ = "inventory_hosts"

    inventory_id: str = Field(primary_key=True, foreign_key="inventories.id", ondelete="CASCADE", sa_type=HostText)
    name: str = Field(primary_key=True, sa_type=HostText)
    vars: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    enabled: bool
    version: int
    created: datetime = Field(sa_type=UtcDateTime)
    sealed: bytes | None = Field(sa_type=LargeBinary)
    """The variables that hold secrets, which ``vars`` has with masks; None where there are none."""


class InventoryGroupRow(Table, table=True):
    __tablename__ = "inventory_groups"

    inventory_id: str = Field(primary_key=True, foreign_key="inventories.id", ondelete="CASCADE", sa_type=HostText)
    name: str = Field(primary_key=True, sa_type=HostText)
    vars: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    hosts: list[str] = Field(sa_type=JSON, nullable=False)
    children: list[str] = Field(sa_type=JSON, nullable=False)
    version: int
    created: datetime = Field(sa_type=UtcDateTime)
    sealed: bytes | None = Field(sa_type=LargeBinary)
    """The variables that hold secrets, which ``vars`` has with masks; None where there are none."""


class HostStateRow(Table, table=True):
    """What is known of a host from its runs: the newest of each, so that the fleet is one read."""

    __tablename__ = "host_states"

    host: str = Field(primary_key=True, sa_type=HostText)
    last_run_id: str | None = Field(sa_type=HostText)
    last_status: str | None = Field(sa_type=HostText)
    last_message: str = Field(sa_type=HostText)
    last_carrier: str = Field(sa_type=HostText)
    drift_run_id: str | None = Field(sa_type=HostText)
    drift_changes: int | None
    facts: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    last_run: datetime | None = Field(sa_type=UtcDateTime)
    last_ok: datetime | None = Field(sa_type=UtcDateTime)
    drift_seen: datetime | None = Field(sa_type=UtcDateTime)
    facts_seen: datetime | None = Field(sa_type=UtcDateTime)


# Runs of the server


class LaunchRow(Table, table=True):
    """What was asked for, beside the run's own row. ``sealed`` holds the variables that were given."""

    __tablename__ = "launches"
    __table_args__ = (Index(None, "user_id", "idempotency_key", unique=True), Index(None, "settled"))

    run_id: str = Field(primary_key=True, foreign_key="runs.id", ondelete="CASCADE", sa_type=HostText)
    user_id: str = Field(sa_type=HostText)
    idempotency_key: str | None = Field(sa_type=HostText)
    body_digest: str = Field(sa_type=HostText)
    request: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    sealed: bytes = Field(sa_type=LargeBinary)
    created: datetime = Field(sa_type=UtcDateTime)
    settled: datetime | None = Field(sa_type=UtcDateTime)


class HostLockRow(Table, table=True):
    """The run that has a host to itself."""

    __tablename__ = "host_locks"
    __table_args__ = (Index(None, "run_id"),)

    host: str = Field(primary_key=True, sa_type=HostText)
    run_id: str = Field(foreign_key="runs.id", ondelete="CASCADE", sa_type=HostText)
    taken: datetime = Field(sa_type=UtcDateTime)


class WorkerRow(Table, table=True):
    __tablename__ = "workers"

    id: str = Field(primary_key=True, sa_type=HostText)
    machine: str = Field(sa_type=HostText)
    kind: str = Field(sa_type=HostText)
    state: str = Field(sa_type=HostText)
    release: str = Field(sa_type=HostText)
    pid: int
    capacity: int
    running: list[str] = Field(sa_type=JSON, nullable=False)
    started: datetime = Field(sa_type=UtcDateTime)
    heartbeat: datetime = Field(sa_type=UtcDateTime)


class PlanRow(Table, table=True):
    """A run in check mode that may be applied: bound to the content and to the facts it saw."""

    __tablename__ = "plans"
    __table_args__ = (Index(None, "created"),)

    id: str = Field(primary_key=True, foreign_key="runs.id", ondelete="CASCADE", sa_type=HostText)
    state: str = Field(sa_type=HostText)
    content_digest: str = Field(sa_type=HostText)
    created_by: str = Field(sa_type=HostText)
    decided_by: str | None = Field(sa_type=HostText)
    reason: str = Field(sa_type=HostText)
    applied_run_id: str | None = Field(sa_type=HostText)
    hosts: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    document: bytes = Field(sa_type=LargeBinary)
    changes: int
    version: int
    created: datetime = Field(sa_type=UtcDateTime)
    expires: datetime = Field(sa_type=UtcDateTime)
    decided: datetime | None = Field(sa_type=UtcDateTime)
    applied: datetime | None = Field(sa_type=UtcDateTime)


# Schedules, drift, notifications


class ScheduleRow(Table, table=True):
    __tablename__ = "schedules"
    __table_args__ = (Index(None, "name", unique=True), Index(None, "state", "next_due"))

    id: str = Field(primary_key=True, sa_type=HostText)
    name: str = Field(sa_type=HostText)
    description: str = Field(sa_type=HostText)
    state: str = Field(sa_type=HostText)
    timing: str = Field(sa_type=HostText)
    timezone: str = Field(sa_type=HostText)
    misfire: str = Field(sa_type=HostText)
    overlap: str = Field(sa_type=HostText)
    kind: str = Field(sa_type=HostText)
    created_by: str = Field(sa_type=HostText)
    request: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    sealed: bytes = Field(sa_type=LargeBinary)
    blackouts: list[dict[str, Any]] = Field(sa_type=JSON, nullable=False)
    jitter_s: int
    grace_s: int
    catch_up_age_s: int
    max_running: int
    version: int
    created: datetime = Field(sa_type=UtcDateTime)
    next_due: datetime | None = Field(sa_type=UtcDateTime)
    last_due: datetime | None = Field(sa_type=UtcDateTime)
    last_success: datetime | None = Field(sa_type=UtcDateTime)


class ScheduleFireRow(Table, table=True):
    """What became of each time a schedule was due: one row each, so that no two processes fire it."""

    __tablename__ = "schedule_fires"
    __table_args__ = (Index(None, "run_id"), Index(None, "outcome", "schedule_id"))

    schedule_id: str = Field(primary_key=True, foreign_key="schedules.id", ondelete="CASCADE", sa_type=HostText)
    due: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    outcome: str = Field(sa_type=HostText)
    run_id: str | None = Field(sa_type=HostText)
    reason: str = Field(sa_type=HostText)
    at: datetime = Field(sa_type=UtcDateTime)


class DriftRow(Table, table=True):
    """What a scheduled plan would have changed on a host."""

    __tablename__ = "drift"
    __table_args__ = (Index(None, "run_id"), Index(None, "schedule_id", "host", "at"))

    host: str = Field(primary_key=True, sa_type=HostText)
    at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    schedule_id: str = Field(primary_key=True, sa_type=HostText)
    run_id: str = Field(sa_type=HostText)
    changes: int
    tasks: list[dict[str, Any]] = Field(sa_type=JSON, nullable=False)


class ChannelRow(Table, table=True):
    """Where notifications go. Its address and keys are sealed."""

    __tablename__ = "channels"
    __table_args__ = (Index(None, "name", unique=True),)

    id: str = Field(primary_key=True, sa_type=HostText)
    name: str = Field(sa_type=HostText)
    kind: str = Field(sa_type=HostText)
    created_by: str = Field(sa_type=HostText)
    occasions: list[str] = Field(sa_type=JSON, nullable=False)
    public: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    sealed: bytes = Field(sa_type=LargeBinary)
    enabled: bool
    version: int
    created: datetime = Field(sa_type=UtcDateTime)


class DeliveryRow(Table, table=True):
    __tablename__ = "deliveries"
    __table_args__ = (Index(None, "channel_id", "id"), Index(None, "state", "next_try"),
                      Index(None, "channel_id", "created"))

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG_ID)
    channel_id: str = Field(foreign_key="channels.id", ondelete="CASCADE", sa_type=HostText)
    occasion: str = Field(sa_type=HostText)
    subject: str = Field(sa_type=HostText)
    run_id: str | None = Field(sa_type=HostText)
    state: str = Field(sa_type=HostText)
    error: str = Field(sa_type=HostText)
    payload: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    attempts: int
    created: datetime = Field(sa_type=UtcDateTime)
    next_try: datetime | None = Field(sa_type=UtcDateTime)
    sent: datetime | None = Field(sa_type=UtcDateTime)


class AlertRow(Table, table=True):
    """Something that is wrong until it is right again: a schedule that did not run, a host that drifted."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index("ix_alerts_key_open", "key", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index(None, "opened"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG_ID)
    key: str = Field(sa_type=HostText)
    kind: str = Field(sa_type=HostText)
    subject: str = Field(sa_type=HostText)
    message: str = Field(sa_type=HostText)
    opened: datetime = Field(sa_type=UtcDateTime)
    closed: datetime | None = Field(sa_type=UtcDateTime)


# The server itself


class SettingRow(Table, table=True):
    __tablename__ = "settings"

    key: str = Field(primary_key=True, sa_type=HostText)
    value: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    version: int
    changed_by: str = Field(sa_type=HostText)
    changed: datetime = Field(sa_type=UtcDateTime)


class HostStatsRow(Table, table=True):
    """Measurements of a host over time, for plots."""

    __tablename__ = "host_stats"

    host: str = Field(primary_key=True, sa_type=HostText)
    at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    stats: dict[str, Any] = Field(sa_type=JSON, nullable=False)
