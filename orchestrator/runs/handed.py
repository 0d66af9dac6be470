"""What a worker hands the process that drives a run: one JSON on its standard input, secrets and all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, field

from orchestrator.credentials.materials import Materials, texts
from orchestrator.errors import UsageError
from orchestrator.runs.requests import RunRequest
from orchestrator.runs.takeover import SILENT_S

MOST_BYTES = 64 << 20
PASSED = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "SSH_AUTH_SOCK", "PYTHONPATH",
          "VIRTUAL_ENV", "ORCH_KEEP_CONNECTIONS")
PASSED_BEGIN = ("LC_", "XDG_", "ANSIBLE_")
"""The environment of a run's process. The address of the store is not in it: a password may be part of that. Nor is
where the master key lies."""
EXIT_ENDED, EXIT_BLOCKED, EXIT_SPLIT, EXIT_HANDED_OVER, EXIT_LOST, EXIT_STORE_AWAY = 0, 75, 76, 77, 78, 79
"""Of a run's process: the run has ended (well or not); another run has its hosts; it is in slices now; it was told to
leave it to another worker; another worker has it; the store did not answer."""


class Place(Struct):
    """Where a run's content is, on this machine: what the projects room says of a project and an inventory."""

    folder: str
    playbook: str
    """Absolute."""
    sources: list[str] = field(default_factory=list)
    """Of its inventory."""
    runs_here: bool = False
    """Whether the content may run on the server itself."""


class Handed(Struct):
    run_id: str
    state_dir: str
    store_url: str | None
    place: Place
    request: RunRequest
    materials: Materials = field(default_factory=Materials)
    inventory_secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of a managed inventory: see `orchestrator.store.managed_inventory.read_secrets`."""
    master_key: str = ""
    """Only where agentlets are enrolled: their jobs are sealed with it."""
    hidden: list[str] = field(default_factory=list)
    """Files of the server outside of its state directory that content must not read."""
    parent_id: str | None = None
    hosts: list[str] = field(default_factory=list)
    """Of a slice: those that it is for."""
    plan: bytes = b""
    """The plan that is applied: a `PlanDocument` in JSON."""
    is_resumed: bool = False
    content_digest: str = ""
    keeps_failures: bool = False
    """It is gone on with because its process died, and not because somebody asked for another try."""
    began: datetime | None = None
    """When the run began, whoever drove it then: its time limit counts from there."""
    silence_s: float = SILENT_S

    def __repr__(self) -> str:
        return f"Handed({self.run_id!r})"


def secret_texts(handed: Handed) -> list[str]:
    """What no message about the run may repeat."""
    from orchestrator.projects.masking import hidden_texts

    found = [text for variables in handed.inventory_secrets.values() for name, value in variables.items()
             for text in hidden_texts(name, value)]
    return [*texts(handed.materials), *found]


def to_json(handed: Handed) -> bytes:
    """Raises `UsageError` when it is more than a process is handed."""
    data = msgspec.json.encode(handed)
    if len(data) > MOST_BYTES:
        raise UsageError(f"a run is handed {MOST_BYTES >> 20} MiB at most: its inventory is too large", code="handed")
    return data


def from_json(data: bytes) -> Handed:
    """Raises `UsageError`, without a word of the content."""
    try:
        return msgspec.json.decode(data, type=Handed)
    except msgspec.MsgspecError:
        raise UsageError("what came on standard input is no run", code="handed") from None


def environment(environ: Mapping[str, str], state_dir: str) -> dict[str, str]:
    """What the process finds in its environment. Pure."""
    kept = {name: value for name, value in environ.items() if name in PASSED or name.startswith(PASSED_BEGIN)}
    return {**kept, "ORCH_STATE_DIR": os.path.abspath(state_dir)}
