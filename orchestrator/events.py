"""What the engine tells whoever looks on: displays, the store, a web page. Plain data, in order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct, field

from orchestrator.errors import Origin

STATUSES = ("ok", "changed", "skipped", "failed", "unreachable", "cancelled", "interrupted", "lost")


class TaskResult(Struct):
    """What one task did on one host in one attempt. The store's table, the API and ``--json`` carry these fields."""

    run_id: str
    play_id: str
    play_name: str
    task_id: str
    task_name: str
    task_origin: str
    """file:line:column"""
    module: str
    host: str
    status: str
    attempt: int = 1
    seq: int = 0
    """Order of arrival within the run, from 1; unique with run_id."""
    item_index: int | None = None
    """None for a task without a loop and for the summary of one with a loop; else the item's index from 0."""
    item_label: str | None = None
    carrier: str = "controller"
    """ssh, local, mailbox; or controller for tasks that need no host."""
    carrier_reason: str = ""
    delegated_to: str | None = None
    rescued: bool = False
    ignored: bool = False
    check_mode: bool = False
    no_log: bool = False
    handler: bool = False
    role: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    duration_s: float = 0.0
    message: str = ""
    error_code: str | None = None
    hint: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    """Return values as Ansible returns them; censored already when no_log."""
    diff: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notified: list[str] = field(default_factory=list)
    path: str = ""
    """Distinguishes repeats of one task within a run (an included file in a loop, a handler flushed twice, a serial
    batch): stable when the run is resumed. Journal key: (host, task_id, path, item_index)."""
    replayed: bool = False
    """True when it was taken from the journal by a resume and nothing ran."""
    trail: tuple[str, ...] = ()


class RunStarted(Struct):
    run_id: str
    playbooks: tuple[str, ...]
    hosts: tuple[str, ...]
    check_mode: bool
    resumed: bool
    started: datetime


class PlayStarted(Struct):
    play_id: str
    name: str
    hosts: tuple[str, ...]
    origin: Origin
    batch: int = 0
    batches: int = 1


class PlaySkipped(Struct):
    """No hosts matched, or nothing was left to do."""

    play_id: str
    name: str
    reason: str


class TaskStarted(Struct):
    """A task begins on a set of hosts (linear) or on one more host (free)."""

    task_id: str
    name: str
    module: str
    origin: Origin
    hosts: tuple[str, ...]
    handler: bool = False
    role: str | None = None
    args_text: str = ""
    """For displays with -v; empty when no_log."""


class ItemDone(Struct):
    """One loop item ended; the summary follows as `TaskDone`."""

    result: TaskResult
    item: Any
    will_retry: bool = False


class TaskRetry(Struct):
    """An ``until`` was not met; the task is tried again."""

    result: TaskResult
    attempt: int
    retries_left: int
    delay_s: float


class TaskDone(Struct):
    result: TaskResult
    looped: bool = False


class TaskProgress(Struct):
    host: str
    task_id: str
    values: dict[str, Any]


class Included(Struct):
    """include_tasks, include_role or include_vars brought something in on these hosts."""

    what: str
    path: str
    hosts: tuple[str, ...]
    item_label: str | None = None


class Notice(Struct):
    """A warning or a note for the person: ``level`` is ``warning`` or ``info``."""

    level: str
    message: str
    host: str | None = None
    origin: Origin | None = None


class HostRecap(Struct):
    """Counts in Ansible's sense: ``ok`` includes changed."""

    ok: int = 0
    changed: int = 0
    unreachable: int = 0
    failed: int = 0
    skipped: int = 0
    rescued: int = 0
    ignored: int = 0
    interrupted: int = 0
    cancelled: int = 0
    lost: int = 0


class PlayEnded(Struct):
    play_id: str


class RunEnded(Struct):
    run_id: str
    status: str
    """ok, failed, pending, unreachable, cancelled"""
    recap: dict[str, HostRecap]
    duration_s: float
    exit_code: int
    left: tuple[str, ...] = ()
    """Where something may still be running or was not finished: one sentence each."""
    pending: tuple[str, ...] = ()
    """Hosts that have not called for their jobs yet."""
    stats: dict[str, Any] = field(default_factory=dict)


Event = (
    RunStarted | PlayStarted | PlaySkipped | TaskStarted | ItemDone | TaskRetry | TaskDone | TaskProgress | Included
    | Notice | PlayEnded | RunEnded
)
