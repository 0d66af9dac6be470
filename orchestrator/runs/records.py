"""A run of the server as its room reads it from the store's tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from orchestrator.store.books import Books

TABLE = "runs"
UNCLAIMED = '"status" = \'queued\' AND "worker_id" IS NULL'


class Run(Struct):
    """The row of a run, without its lease. ``queued`` is None for a run that `orch run` began by itself."""

    id: str
    kind: str
    status: str
    playbooks: list[str]
    inventory: list[str]
    limit: str | None
    check_mode: bool
    options: dict[str, Any]
    content_digest: str
    cwd: str
    """Where it began, on the machine that drove it; not told to those who ask for the run."""
    user: str
    hosts: list[str]
    started: datetime
    ended: datetime | None
    recap: dict[str, dict[str, int]]
    resumes: int
    cancel_requested: bool
    heartbeat: datetime | None
    queued: datetime | None
    parent_id: str | None
    slice: int | None
    slices: int
    project_id: str | None
    inventory_id: str | None
    schedule_id: str | None
    plan_id: str | None
    priority: int
    message: str
    worker_id: str | None


class Launch(Struct):
    """What was asked for. ``request`` lacks the extra vars, which are sealed."""

    run_id: str
    user_id: str
    idempotency_key: str | None
    body_digest: str
    request: dict[str, Any]
    sealed: bytes
    created: datetime


def launch_of(books: Books, run: Run) -> Launch | None:
    """What was asked for: of a slice, what was asked for as a whole."""
    return books.table("launches", Launch).find('"run_id" = ?', run.parent_id or run.id)
