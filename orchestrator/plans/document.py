"""A plan as a file: all that applying it needs, and nothing secret."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from orchestrator.errors import Origin, UsageError
from orchestrator.plans.prediction import HostPlan
from orchestrator.security.private_files import write_private

FORMAT = 1
MAX_BYTES = 256 << 20


class PlanDocument(Struct):
    """``options``, ``playbooks`` and ``cwd`` as a run's row has them; ``files``: SHA-256 by path of what was read."""

    run_id: str
    made: datetime
    expires: datetime
    playbooks: list[str]
    cwd: str
    options: dict[str, Any]
    content_digest: str
    files: dict[str, str]
    hosts: dict[str, HostPlan]

    @property
    def changes(self) -> int:
        return sum(len(plan.changes) for plan in self.hosts.values())


class _Envelope(Struct):
    orch_plan: int
    sha256: str
    plan: msgspec.Raw


def write_plan(document: PlanDocument, path: Path) -> None:
    """Write the plan for its owner alone (0600), whole or not at all. Raises `UsageError`."""
    plan = msgspec.json.encode(document)
    try:
        write_private(path, msgspec.json.encode(_Envelope(FORMAT, hashlib.sha256(plan).hexdigest(), msgspec.Raw(plan))))
    except OSError as error:
        raise UsageError(f"the plan cannot be written: {error.strerror}: {path}", code="plan_unwritten") from error


def read_plan(path: Path) -> PlanDocument:
    """Raises `UsageError` for a file that is no plan, was damaged or edited, or is a later orch's."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _no_plan(path, "it is too large")
        envelope = msgspec.json.decode(path.read_bytes(), type=_Envelope)
    except OSError as error:
        raise UsageError(f"the plan cannot be read: {error.strerror}: {path}", code="plan_unreadable") from error
    except msgspec.DecodeError as error:
        raise _no_plan(path, str(error)) from error
    if envelope.orch_plan != FORMAT:
        raise _no_plan(path, f"it is of format {envelope.orch_plan}, this orch knows {FORMAT}")
    if hashlib.sha256(envelope.plan).hexdigest() != envelope.sha256:
        raise _no_plan(path, "it has been changed since it was made")
    return msgspec.json.decode(envelope.plan, type=PlanDocument)


def _no_plan(path: Path, reason: str) -> UsageError:
    return UsageError(f"this plan cannot be used: {reason}", code="plan_invalid", origin=Origin(str(path)),
                      hint="make a new one: orch plan … --out FILE")


def file_digests(paths: Iterable[str], folder: str) -> dict[str, str]:
    """SHA-256 of files by their path, relative to ``folder`` where they lie below it; empty for one that is gone."""
    found = {}
    for path in dict.fromkeys(paths):
        absolute = Path(folder, path)
        name = os.path.relpath(absolute, folder) if absolute.is_relative_to(folder) else str(absolute)
        try:
            found[name] = hashlib.sha256(absolute.read_bytes()).hexdigest()
        except OSError:
            found[name] = ""
    return found


def changed_files(document: PlanDocument, folder: str) -> list[str]:
    """The files that are not as they were when the plan was made."""
    now = file_digests(document.files, folder)
    return [name for name, digest in document.files.items() if now[name] != digest]
