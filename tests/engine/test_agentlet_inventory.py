"""Enrolled agentlets as an inventory: groups by label, and nothing that a host says is a template."""

from __future__ import annotations

from datetime import UTC, datetime

import inventory
from orchestrator.agents.records import Agent
from orchestrator.engine.agentlet_inventory import SOURCE, as_groups, providers
from orchestrator.template.types import Template


def agent(host: str, **labels: str) -> Agent:
    return Agent(id=f"id-{host}", host=host, state="active", machine_id="m", instance_id="i", mode="tls", version="1",
                 platform="linux", clone_of=None, note="", generation=1, next_generation=None, protocol=1,
                 interval_s=30, ring=None, config=1, python=[3, 11, 2], labels=labels, renew=False,
                 enrolled=datetime(2026, 11, 21, tzinfo=UTC), last_seen=None, recovery_asked=None,
                 recovery_approved=None, seal="")


def loaded(*agents: tuple[Agent, dict[str, object]]) -> inventory.Inventory:
    return inventory.load([SOURCE], provided={SOURCE: lambda: as_groups(agents)})


def test_every_host_is_in_the_common_group_and_in_those_of_its_labels() -> None:
    found = loaded((agent("laptop", site="berlin-1", lab=""), {}), (agent("nas"), {}))
    assert found.match("agentlets") == ["laptop", "nas"]
    assert found.match("site_berlin_1:lab") == ["laptop"]


def test_what_a_host_says_of_itself_is_data() -> None:
    found = loaded((agent("laptop"), {"hostname": "{{ lookup('pipe', 'id') }}"}))
    values = {name: value for layer in found.hosts["laptop"].layers for name, value in layer.values.items()}
    assert values["orch_carrier"] == "agentlet"
    assert values["orch_agent"]["id"] == "id-laptop"
    assert not isinstance(values["orch_agent_facts"]["hostname"], Template)
    assert not any(layer.trusted for layer in found.hosts["laptop"].layers)


def test_nobody_is_asked_where_the_source_is_not_named() -> None:
    assert providers(["hosts.ini"], {}, None) == {}
