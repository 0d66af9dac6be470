"""The tables, as SQLModel classes: what migrations, the API and reports read and write.

`orchestrator.store.columns` names the same columns for the hot path, which does without SQLAlchemy; a test keeps the
two equal. Task results have exactly the fields of `orchestrator.events.TaskResult`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Index, Integer, MetaData, Text, TypeDecorator
from sqlmodel import Field, SQLModel

from orchestrator.store.text import escape, unescape, utc

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
BIG_ID = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only when the key is an INTEGER."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, always with its time zone in Python. SQLite keeps it as text, PostgreSQL as timestamptz."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return utc(value).replace(tzinfo=None) if dialect.name == "sqlite" else utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class HostText(TypeDecorator[str]):
    """Text that may hold anything a host printed; see `orchestrator.store.text`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else escape(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else unescape(value)


class Table(SQLModel):
    """What all tables share: one metadata, so that constraints are named alike on every database."""

    metadata = MetaData(naming_convention=NAMING)


class RunRow(Table, table=True):
    __tablename__ = "runs"
    __table_args__ = (Index(None, "started"), Index(None, "status"), Index(None, "parent_id"),
                      Index(None, "schedule_id", "started"))

    id: str = Field(primary_key=True, sa_type=HostText)
    status: str = Field(sa_type=HostText)
    playbooks: list[str] = Field(sa_type=JSON, nullable=False)
    inventory: list[str] = Field(sa_type=JSON, nullable=False)
    limit: str | None = Field(sa_type=HostText)
    check_mode: bool
    options: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    content_digest: str = Field(sa_type=HostText)
    cwd: str = Field(sa_type=HostText)
    user: str = Field(sa_type=HostText)
    hosts: list[str] = Field(sa_type=JSON, nullable=False)
    started: datetime = Field(sa_type=UtcDateTime)
    ended: datetime | None = Field(sa_type=UtcDateTime)
    recap: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    resumes: int
    cancel_requested: bool
    lease_token: str | None = Field(sa_type=HostText)
    lease_host: str | None = Field(sa_type=HostText)
    lease_pid: int | None
    lease_born: str | None = Field(sa_type=HostText)
    heartbeat: datetime | None = Field(sa_type=UtcDateTime)
    kind: str = Field(sa_type=HostText)
    queued: datetime | None = Field(sa_type=UtcDateTime)
    parent_id: str | None = Field(sa_type=HostText)
    slice: int | None
    slices: int
    project_id: str | None = Field(sa_type=HostText)
    inventory_id: str | None = Field(sa_type=HostText)
    schedule_id: str | None = Field(sa_type=HostText)
    plan_id: str | None = Field(sa_type=HostText)
    priority: int
    message: str = Field(sa_type=HostText)
    worker_id: str | None = Field(sa_type=HostText)


class RunHostRow(Table, table=True):
    __tablename__ = "run_hosts"

    run_id: str = Field(primary_key=True, foreign_key="runs.id", ondelete="CASCADE", sa_type=HostText)
    host: str = Field(primary_key=True, sa_type=HostText)
    ok: int
    changed: int
    unreachable: int
    failed: int
    skipped: int
    rescued: int
    ignored: int
    interrupted: int
    cancelled: int
    lost: int


class TaskResultRow(Table, table=True):
    __tablename__ = "task_results"
    __table_args__ = (Index(None, "host", "run_id"),)

    run_id: str = Field(primary_key=True, foreign_key="runs.id", ondelete="CASCADE", sa_type=HostText)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    play_id: str = Field(sa_type=HostText)
    play_name: str = Field(sa_type=HostText)
    task_id: str = Field(sa_type=HostText)
    task_name: str = Field(sa_type=HostText)
    task_origin: str = Field(sa_type=HostText)
    module: str = Field(sa_type=HostText)
    host: str = Field(sa_type=HostText)
    status: str = Field(sa_type=HostText)
    attempt: int
    item_index: int | None
    item_label: str | None = Field(sa_type=HostText)
    carrier: str = Field(sa_type=HostText)
    carrier_reason: str = Field(sa_type=HostText)
    delegated_to: str | None = Field(sa_type=HostText)
    rescued: bool
    ignored: bool
    check_mode: bool
    no_log: bool
    handler: bool
    role: str | None = Field(sa_type=HostText)
    started: datetime | None = Field(sa_type=UtcDateTime)
    ended: datetime | None = Field(sa_type=UtcDateTime)
    duration_s: float
    message: str = Field(sa_type=HostText)
    error_code: str | None = Field(sa_type=HostText)
    hint: str | None = Field(sa_type=HostText)
    values: dict[str, Any] = Field(sa_type=JSON, nullable=False)
    diff: list[dict[str, Any]] = Field(sa_type=JSON, nullable=False)
    warnings: list[str] = Field(sa_type=JSON, nullable=False)
    notified: list[str] = Field(sa_type=JSON, nullable=False)
    path: str = Field(sa_type=HostText)
    replayed: bool
    trail: list[str] = Field(sa_type=JSON, nullable=False)


class EventRow(Table, table=True):
    __tablename__ = "events"
    __table_args__ = (Index(None, "run_id", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG_ID)
    run_id: str = Field(foreign_key="runs.id", ondelete="CASCADE", sa_type=HostText)
    at: datetime = Field(sa_type=UtcDateTime)
    kind: str = Field(sa_type=HostText)
    values: dict[str, Any] = Field(sa_type=JSON, nullable=False)
