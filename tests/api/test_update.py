"""Updates of the agentlet: signed for each, told ring by ring."""

from __future__ import annotations

import hashlib
import json
import time

import pytest

from agentlet.pull import VERSION
from agentlet.pull.update import open_manifest
from orchestrator.agents.envelope import verify
from orchestrator.agents.releases import MANIFEST, ring_of, this_release
from tests.api.conftest import Serve
from tests.api.gateway import Member, Served


def test_the_manifest_is_signed_and_names_the_file(served: Served, member: Member) -> None:
    with served.client(member) as client:
        reply = client.get("update").json
        manifest = json.loads(reply["manifest"])
        file = client.get(f"update/{manifest['version']}")
        other = client.get("update/9.9.9")
    assert verify(reply["manifest"], reply["signature"], member.job_key)
    assert (manifest["kind"], manifest["agent"], manifest["version"]) == (MANIFEST, member.id, VERSION)
    assert hashlib.sha256(file.body).hexdigest() == manifest["sha256"] and len(file.body) == manifest["size"]
    assert (other.status, other.code) == (404, "version_unknown")


def test_the_agentlet_takes_it(served: Served, member: Member) -> None:
    with served.client(member) as client:
        reply = client.get("update").json
    found = open_manifest(reply["manifest"], reply["signature"], [member.job_key.hex()], member.id, 0)
    assert (found["version"], found["size"]) == (VERSION, len(this_release().data))


def test_another_agents_manifest_is_signed_with_another_key(served: Served, member: Member) -> None:
    with served.client(served.enrol("web2")) as client:
        reply = client.get("update").json
    assert not verify(reply["manifest"], reply["signature"], member.job_key)


@pytest.mark.parametrize(("rollout", "told"), [(0, None), (1, None), (10, None), (100, VERSION)])
def test_an_agent_is_told_when_its_rings_turn_has_come(serve_gateway: Serve, rollout: int, told: str | None) -> None:
    served = serve_gateway(rollout=rollout)
    member = served.enrol("web1")
    with served.desk.database.transaction():
        served.desk.office.agents.change({"ring": 100}, '"id" = ?', member.id)
    with served.client(member) as client:
        assert client.get("config").json["orders"]["update"] == told


def test_what_an_operator_decides_reaches_a_server_that_runs(serve_gateway: Serve) -> None:
    """Through the store alone: it may be another process, on another machine."""
    served = serve_gateway(rollout=0)
    with served.client(served.enrol("web1")) as client:
        assert client.get("config").json["orders"]["update"] is None
        served.desk.rollouts.change("ann", ring=100)
        end = time.monotonic() + 60
        while client.get("config").json["orders"]["update"] != VERSION:
            assert time.monotonic() < end
            time.sleep(0.2)


def test_rings_hold_their_share_of_the_agents_and_never_change() -> None:
    rings = [ring_of(f"{number:016x}") for number in range(10_000)]
    assert 50 < rings.count(1) < 160 and 750 < rings.count(10) < 1_050
    assert rings == [ring_of(f"{number:016x}") for number in range(10_000)]
    assert ring_of("any", chosen=1) == 1
