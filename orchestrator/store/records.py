"""What the store gives and takes besides task results."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field

RUNNING = "running"
QUEUED = "queued"
ENDED = ("ok", "failed", "pending", "unreachable", "cancelled", "interrupted")


def now() -> datetime:
    return datetime.now(UTC)


class RunRecord(Struct):
    """One run: what was asked for, and what came of it. Nothing secret belongs into ``options``."""

    id: str
    kind: str = "run"
    """``run``; ``plan``: in check mode, to be looked at or applied; ``exec``: one module."""
    playbooks: list[str] = field(default_factory=list)
    inventory: list[str] = field(default_factory=list)
    limit: str | None = None
    check_mode: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    content_digest: str = ""
    cwd: str = ""
    user: str = ""
    hosts: list[str] = field(default_factory=list)
    status: str = RUNNING
    """``queued``, ``running``, or one of `ENDED`. A run whose process has died reads as ``interrupted``."""
    started: datetime = field(default_factory=now)
    ended: datetime | None = None
    recap: dict[str, dict[str, int]] = field(default_factory=dict)
    resumes: int = 0
    cancel_requested: bool = False
    lease_token: str | None = None
    lease_host: str | None = None
    lease_pid: int | None = None
    lease_born: str | None = None
    heartbeat: datetime | None = None
    queued: datetime | None = None
    """When it was asked of a server; None for one that `orch run` began by itself."""
    parent_id: str | None = None
    """The run that this one is a slice of; its results belong to that one."""
    slice: int | None = None
    slices: int = 1
    project_id: str | None = None
    inventory_id: str | None = None
    schedule_id: str | None = None
    plan_id: str | None = None
    """The plan that it applies."""
    priority: int = 0
    message: str = ""
    """Why it could not start, or ended before its plays did."""
    worker_id: str | None = None


class StoredEvent(Struct, frozen=True):
    """One recorded event; ``id`` grows with time within a store."""

    id: int
    run_id: str
    at: datetime
    kind: str
    values: dict[str, Any]
