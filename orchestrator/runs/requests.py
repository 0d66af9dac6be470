"""What a launch asks for, checked before anything is stored. Pure.

``extra_vars`` are data: whatever they hold is never rendered, here or in the run's process.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import PurePosixPath
from typing import Any

from msgspec import Struct, field, structs

from orchestrator.refusals import Malformed

KINDS = ("run", "plan")
MOST_SLICES = 32
MOST_FORKS = 10_000
MOST_PRIORITY = 100
MOST_TAGS = 100
LONGEST_WORD = 200
LONGEST_LIMIT = 60_000
LONGEST_TIMEOUT_S = 7 * 86_400
MOST_VARS_BYTES = 256 * 1024
DEEPEST_VARS = 20
RESERVED = ("ansible_", "orch_")
"""Connection variables among extra vars win over the inventory's: ``ansible_connection: local`` would bring a host's
tasks to the server itself."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class RunRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A run of the server as it is asked for. ``timeout_s`` 0: as long as it takes; ``forks`` 0: every host at once."""

    project_id: str
    playbook: str
    """Its path within the project."""
    inventory_id: str
    limit: str | None = None
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    extra_vars: dict[str, Any] = field(default_factory=dict)
    check: bool = False
    diff: bool = False
    kind: str = "run"
    credential_ids: tuple[str, ...] = ()
    forks: int = 0
    slices: int = 1
    priority: int = 0
    timeout_s: int = 0
    allow_concurrent: bool = False
    """Its hosts may have other runs at the same time, and it waits for none."""
    schedule_id: str | None = None
    plan_id: str | None = None

    def __repr__(self) -> str:
        return f"RunRequest({self.playbook!r} of {self.project_id!r} on {self.inventory_id!r})"


def checked(request: RunRequest, *, may_connect: bool = False) -> RunRequest:
    """The request as it will be run. Raises `Malformed` with the path of every field that is wrong.

    ``may_connect``: connection variables (`RESERVED`) may be among the extra vars.
    """
    faults = [*_text_faults(request), *_number_faults(request), *_var_faults(request.extra_vars, may_connect)]
    if faults:
        raise malformed(*faults)
    return structs.replace(request, check=True, diff=True) if request.kind == "plan" else request


def malformed(*faults: tuple[str, str]) -> Malformed:
    """A refusal that names fields: (path, message)."""
    path, message = faults[0]
    return Malformed(f"{path}: {message}", code="request_invalid", fields=list(faults))


def _text_faults(request: RunRequest) -> list[tuple[str, str]]:
    faults = []
    path = PurePosixPath(request.playbook)
    if (not request.playbook or path.is_absolute() or ".." in path.parts or len(request.playbook) > 1000
            or not request.playbook.isprintable()):
        faults.append(("playbook", "the path of a playbook within its project"))
    if request.kind not in KINDS:
        faults.append(("kind", f"one of {', '.join(KINDS)}"))
    if request.limit is not None and (len(request.limit) > LONGEST_LIMIT or not request.limit.strip()
                                      or request.limit.lstrip().startswith("@")):
        faults.append(("limit", "a pattern of hosts; files (@) are not read"))
    for name in ("tags", "skip_tags", "credential_ids"):
        words = getattr(request, name)
        if len(words) > MOST_TAGS or any(not word.strip() or len(word) > LONGEST_WORD for word in words):
            faults.append((name, f"{MOST_TAGS} at most, each of 1 to {LONGEST_WORD} characters"))
    return faults


def _number_faults(request: RunRequest) -> list[tuple[str, str]]:
    bounds = {"forks": (0, MOST_FORKS), "slices": (1, MOST_SLICES), "priority": (-MOST_PRIORITY, MOST_PRIORITY),
              "timeout_s": (0, LONGEST_TIMEOUT_S)}
    return [(name, f"a number from {least} to {most}") for name, (least, most) in bounds.items()
            if not least <= getattr(request, name) <= most]


def _var_faults(given: dict[str, Any], may_connect: bool) -> list[tuple[str, str]]:
    faults = []
    for name in given:
        if not _NAME.match(name):
            faults.append((f"extra_vars.{name[:80]}", "a variable's name has letters, digits and _"))
        elif name.startswith(RESERVED) and not may_connect:
            faults.append((f"extra_vars.{name[:80]}", "how a host is reached is the inventory's to say"))
    try:
        if _depth(given) > DEEPEST_VARS or len(json.dumps(given, allow_nan=False)) > MOST_VARS_BYTES:
            raise ValueError
    except (ValueError, RecursionError, TypeError):
        faults.append(("extra_vars", f"JSON of {MOST_VARS_BYTES >> 10} KiB and {DEEPEST_VARS} levels at most"))
    return faults


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((_depth(item) for item in value.values()), default=0)
    if isinstance(value, list | tuple):
        return 1 + max((_depth(item) for item in value), default=0)
    return 0


def digest(request: RunRequest) -> str:
    """Tells whether two launches under one key ask for the same."""
    text = json.dumps(structs.asdict(request), sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
