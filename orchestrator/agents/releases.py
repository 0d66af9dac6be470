"""The agentlet's own updates: which version there is, who is told of it, and the manifest by which it is believed."""

from __future__ import annotations

import functools
import hashlib
import json
import re

from msgspec import Struct

from orchestrator.agents.envelope import sign
from orchestrator.agents.office import Office
from orchestrator.agents.records import Agent

RINGS = (1, 10, 100)
"""Per cent of the agentlets that an update has reached when its rollout stands at that ring."""
MANIFEST = "orch-agentlet-update"


class Release(Struct, frozen=True):
    """The agentlet's one file, as this installation makes it."""

    version: str
    sha256: str
    data: bytes
    created: int
    """Epoch seconds: when its newest source came to this machine. An agentlet takes no manifest older than its last."""


@functools.cache
def this_release() -> Release:
    """Built once per process: the same sources give the same bytes."""
    from orchestrator.agents.bundle import ROOT, build_pyz

    data = build_pyz()
    created = max(int(path.stat().st_mtime) for path in (ROOT / "agentlet").rglob("*.py"))
    return Release(this_version(), hashlib.sha256(data).hexdigest(), data, created)


@functools.cache
def this_version() -> str:
    """The agentlet's, read from its source: the controller does not run what is made for hosts."""
    from orchestrator.agents.bundle import ROOT

    found = re.search(r'^VERSION = "([^"]+)"$', (ROOT / "agentlet/pull/__init__.py").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def ring_of(agent_id: str, chosen: int | None = None) -> int:
    """The ring in which an agentlet is updated: the operator's choice, or by a hash of its id, for ever the same."""
    if chosen is not None:
        return chosen
    place = int.from_bytes(hashlib.sha256(f"ring:{agent_id}".encode()).digest()[:8], "big") % 100
    return next(ring for ring in RINGS if place < ring)


def signed_manifest(office: Office, agent: Agent, release: Release) -> tuple[str, str]:
    """What an agentlet checks before it starts the file: the text, and its signature with the agentlet's job key.

    The text names what it is and for whom: a signed job is no manifest, nor is another agentlet's.
    """
    manifest = {"kind": MANIFEST, "v": 1, "agent": agent.id, "version": release.version, "sha256": release.sha256,
                "size": len(release.data), "created": release.created}
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    return text, sign(text, office.job_key(agent.id, agent.generation))
