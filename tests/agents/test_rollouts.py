"""How far updates are let is in the store: it holds for every server on it, and for those that run."""

from __future__ import annotations

import pytest

from orchestrator.agents.releases import ring_of, this_version
from orchestrator.agents.rollouts import Rollout
from orchestrator.errors import UsageError
from tests.agents.conftest import Clock, Place

AGENT = "0123456789abcdef"


@pytest.mark.parametrize(("rollout", "chosen", "told"), [
    (Rollout(), 100, True), (Rollout(10), 100, False), (Rollout(10), 10, True), (Rollout(10), 1, True),
    (Rollout(1), 10, False), (Rollout(0), 1, False), (Rollout(100, paused=True), 1, False),
    (Rollout(100, version="1.0"), 1, True), (Rollout(100, version="2.0"), 1, False),
], ids=str)
def test_who_is_told(rollout: Rollout, chosen: int, told: bool) -> None:
    assert rollout.tells(AGENT, chosen, "1.0") is told


def test_the_ring_of_its_id_counts_where_nobody_has_chosen() -> None:
    assert Rollout(ring_of(AGENT)).tells(AGENT, None, "1.0")


def test_what_is_decided_reaches_a_server_that_runs(place: Place, clock: Clock) -> None:
    agent, operator = place.agent("web1").agent, place.new_desk()
    place.desk.rollouts.otherwise = Rollout(0)
    assert place.desk.rollouts.version_for(agent) is None
    operator.rollouts.change("ann", ring=100)
    clock.tick(5)
    assert place.desk.rollouts.version_for(agent) == this_version()
    operator.rollouts.change("ann", paused=True)
    clock.tick(4)
    assert place.desk.rollouts.version_for(agent) == this_version()  # looked up every five seconds
    clock.tick(1)
    assert place.desk.rollouts.version_for(agent) is None


def test_what_is_not_given_stays(place: Place) -> None:
    rollouts = place.desk.rollouts
    rollouts.change("ann", ring=10)
    rollouts.change("ann", paused=True)
    rollouts.change("bob", version="0.2.0")
    found = rollouts.stored()
    assert found is not None
    assert (found.ring, found.version, found.paused, found.by) == (10, "0.2.0", True, "bob")
    rollouts.change("bob", any_version=True, paused=False)
    assert rollouts.now().version is None and not rollouts.now().paused
    assert place.audited("agent.rollout") == [("agent.rollout", "ok", "")] * 4


def test_there_are_four_stages_and_three_rings(place: Place) -> None:
    place.agent("web1")
    for act in (lambda: place.desk.rollouts.change("ann", ring=50), lambda: place.desk.registry.ring("web1", 0)):
        with pytest.raises(UsageError) as refused:
            act()
        assert refused.value.code == "ring" and "1, 10, 100" in str(refused.value.hint)


def test_an_operator_puts_a_host_into_a_ring(place: Place) -> None:
    place.agent("web1")
    assert place.desk.registry.ring("web1", 1, "ann").ring == 1
    place.desk.rollouts.change("ann", ring=1)
    (one,) = place.desk.registry.listed(told=lambda agent: "9.9.9" if agent.ring == 1 else None)
    assert one.update == "9.9.9"
    assert place.desk.registry.ring("web1", None).ring is None
    assert ("agent.ring", "ok", "") in place.audited()
