"""The agentlet's identity in the hands of a test: what it may do, and what not any more."""

from __future__ import annotations

import json
from pathlib import Path

from msgspec import Struct

from orchestrator.security.ca import CertificateAuthority
from tests.api.gateway import Client
from tests.chaos.evidence import Evidence

Door = Client


class Served(Struct):
    """What `Client` asks of a gateway."""

    port: int
    is_behind_proxy: bool
    authority: CertificateAuthority


def door_to(evidence: Evidence) -> Door:
    """A client that is the agentlet, straight to the server."""
    state = evidence.hosts[0].state
    served = Served(evidence.server_port, evidence.plan.mode == "proxy", CertificateAuthority(evidence.state / "ca"))
    if not served.is_behind_proxy:
        return Client(served, state / "client.pem")  # type: ignore[arg-type]
    return Client(served, agent=_value(state / "identity.json", "agent"),  # type: ignore[arg-type]
                  token=_value(state / "secrets.json", "token"))


def _value(path: Path, name: str) -> str:
    return str(json.loads(path.read_text())[name])
