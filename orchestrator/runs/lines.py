"""Runs and results as lists show them, without what may be large."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct, field

from orchestrator.runs.records import Run


class RunLine(Struct):
    """A run in a list. ``counts``: of its hosts, how many came to what; empty until it has ended."""

    id: str
    kind: str
    status: str
    playbooks: list[str]
    limit: str | None
    check_mode: bool
    user: str
    started: datetime
    ended: datetime | None
    queued: datetime | None
    slices: int
    project_id: str | None
    inventory_id: str | None
    schedule_id: str | None
    plan_id: str | None
    priority: int
    message: str
    cancel_requested: bool
    counts: dict[str, int] = field(default_factory=dict)


class RunDetail(Struct):
    """One run. ``request``: what was asked for, without the values of variables; None for a run of `orch run`."""

    run: Run
    slices: list[RunLine]
    request: dict[str, Any] | None
    extra_vars: list[str]
    counts: dict[str, int]


class ResultLine(Struct):
    """A task result without what may be large. ``id`` finds the whole of it."""

    id: str
    run_id: str
    seq: int
    play_id: str
    play_name: str
    task_id: str
    task_name: str
    module: str
    host: str
    status: str
    path: str
    attempt: int
    item_index: int | None
    item_label: str | None
    started: datetime | None
    ended: datetime | None
    duration_s: float
    message: str
    error_code: str | None
    rescued: bool
    ignored: bool
    check_mode: bool
    no_log: bool
    handler: bool
    replayed: bool
    role: str | None
    carrier: str
    delegated_to: str | None
    has_diff: bool = False


class RunFilter(Struct, frozen=True):
    status: str | None = None
    kind: str | None = None
    project: str | None = None
    inventory: str | None = None
    schedule: str | None = None
    user: str | None = None
    host: str | None = None
    since: datetime | None = None
    until: datetime | None = None
