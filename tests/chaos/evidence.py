"""What a round leaves for those who judge it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from orchestrator.agents.records import JobState
from orchestrator.carriers.base import JobEnd
from tests.chaos.plan import Plan
from tests.chaos.processes import Host
from tests.chaos.record import Batch, Moved
from tests.chaos.work import Kit, Work, traces


class Uploaded:
    """A file that came from the host."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self.is_whole = False

    def write(self, data: bytes) -> None:
        self.hash.update(data)

    def close(self) -> None:
        self.is_whole = True

    def abort(self) -> None:
        pass


class Told(Struct):
    """What one `run_job` gave whoever waited for it."""

    job: str
    events: list[dict[str, Any]] = field(default_factory=list)
    files: list[Uploaded] = field(default_factory=list)
    end: JobEnd | None = None
    error: str = ""
    """The code of what it raised."""


class Evidence(Struct):
    """All that a round leaves for `invariants`."""

    plan: Plan
    folder: Path
    state: Path
    kit: Kit
    works: list[Work]
    hosts: list[Host]
    told: list[Told] = field(default_factory=list)
    states: dict[str, JobState | None] = field(default_factory=dict)
    stored: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    moves: list[Moved] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    seen_arguments: set[str] = field(default_factory=set)
    """Argument lists of all processes that had a canary in them."""
    cancelled: str = ""
    notes: list[str] = field(default_factory=list)
    server_port: int = 0

    def traced(self) -> list[tuple[str, str, bool]]:
        return traces(self.kit.trace)


def with_any(wanted: list[bytes]) -> set[str]:
    """Argument lists of running processes that have one of ``wanted`` in them."""
    found = set()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                text = Path(entry.path, "cmdline").read_bytes()
            except OSError:
                continue
            if any(one in text for one in wanted):
                found.add(text.replace(b"\0", b" ").decode("utf-8", "replace"))
    return found
