"""Schedules and what became of their times, as stored and as asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct, field

from orchestrator.scheduling.blackouts import parse_all
from orchestrator.scheduling.decisions import Rules
from orchestrator.scheduling.timing import Timing, parse

ACTIVE, PAUSED, STOPPED = "active", "paused", "stopped"
SCHEDULES, FIRES = "schedules", "schedule_fires"


class Schedule(Struct):
    """``request`` lacks the extra vars, which are sealed. ``last_due``: everything up to here is decided.

    ``next_due``: when something is to be done next, its jitter included; None while it is paused or stopped, or when
    its time does not come again. ``created_by``: its owner, as whom it runs.
    """

    id: str
    name: str
    description: str
    state: str
    """``active``, ``paused`` by hand, or ``stopped``: its owner may not run it any more."""
    timing: str
    timezone: str
    misfire: str
    overlap: str
    kind: str
    """``run``; ``plan``: a look at what would change, for drift."""
    created_by: str
    request: dict[str, Any]
    blackouts: list[dict[str, Any]]
    jitter_s: int
    grace_s: int
    catch_up_age_s: int
    max_running: int
    version: int
    created: datetime
    next_due: datetime | None
    last_due: datetime | None
    last_success: datetime | None

    def parsed(self) -> Timing:
        return parse(self.timing, self.timezone)

    def rules(self) -> Rules:
        return Rules(self.misfire, self.overlap, self.grace_s, self.catch_up_age_s, self.max_running,
                     parse_all(self.blackouts, self.timezone))


class Fire(Struct):
    """What became of one time. ``due`` without the jitter; ``outcome``: see `orchestrator.scheduling.decisions`."""

    schedule_id: str
    due: datetime
    outcome: str
    run_id: str | None
    reason: str
    at: datetime


class ScheduleDraft(Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for. ``request``: as for a launch, without ``kind`` and ``schedule_id``.

    Its ``extra_vars`` are write-only: left out of a change, those that are stored stay, if the owner does.
    """

    name: str
    timing: str
    request: dict[str, Any]
    timezone: str = "UTC"
    description: str = ""
    kind: str = "run"
    misfire: str = "once"
    overlap: str = "skip"
    blackouts: list[dict[str, Any]] = field(default_factory=list)
    jitter_s: int = 0
    grace_s: int = 300
    catch_up_age_s: int = 0
    max_running: int = 1
    paused: bool = False
