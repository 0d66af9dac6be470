"""What an operator sees and changes: states by silence, names, labels; facts and logs as the host gave them."""

from __future__ import annotations

import pytest

from orchestrator.agents.envelope import from_text
from orchestrator.errors import UsageError
from tests.agents.conftest import Clock, Place, envelope


@pytest.mark.parametrize(("silent_s", "state"), [
    (0, "online"), (89, "online"), (90, "late"), (299, "late"), (300, "offline"), (86_399, "offline"),
    (86_400, "overdue"),
])
def test_silence_has_a_name(place: Place, clock: Clock, silent_s: int, state: str) -> None:
    place.agent()
    clock.tick(silent_s)
    (one,) = place.desk.registry.listed()
    assert one.liveness == state
    assert place.post.online(one.agent) == (state == "online")


def test_a_slow_agentlet_is_not_offline_between_its_calls(place: Place, clock: Clock) -> None:
    place.agent()
    place.desk.office.agents.change({"interval_s": 900}, "1 = 1")
    clock.tick(2_699)
    assert place.desk.registry.listed()[0].liveness == "online"
    clock.tick(1)
    assert place.desk.registry.listed()[0].liveness == "offline"


def test_who_has_never_called_is_new(place: Place) -> None:
    place.enrol()
    assert place.desk.registry.listed()[0].liveness == "new"


def test_the_list_counts_jobs_and_leaves_out_the_removed(place: Place) -> None:
    caller = place.agent("web1")
    place.agent("web2")
    for job in ("a", "b", "c"):
        place.post.post(envelope(job))
    place.desk.claim(caller, "a", 1)
    place.desk.registry.remove("web2")
    (one,) = place.desk.registry.listed()
    assert (one.agent.host, one.pending, one.running) == ("web1", 2, 1)
    assert one.certificate_until is not None
    assert [one.liveness for one in place.desk.registry.listed(everything=True)] == ["online", "removed"]


def test_an_agentlet_is_found_by_host_or_id(place: Place) -> None:
    old = place.enrol("web1")
    place.desk.registry.revoke("web1")
    new = place.enrol("web1")
    assert place.desk.registry.find("web1").id == new.agent_id
    assert place.desk.registry.find(old.agent_id).state == "removed"
    with pytest.raises(UsageError) as refused:
        place.desk.registry.find("nobody")
    assert refused.value.code == "agent_unknown" and refused.value.hint


def test_a_renamed_agentlet_keeps_what_waits_for_it(place: Place) -> None:
    enrolled = place.enrol("web1")
    caller = place.caller(enrolled)
    place.agent("web2")
    place.post.post(envelope("j1", "web1"))
    place.desk.registry.rename("web1", "web9", "ann")
    assert place.post.agent_for("web1") is None
    assert place.post.agent_for("web9").id == caller.agent.id  # type: ignore[union-attr]
    assert [offer.job for offer in place.desk.offers(caller)] == ["j1"]
    renamed = place.caller(enrolled)
    assert from_text(place.desk.claim(renamed, "j1", 1).envelope).host == "web9"
    with pytest.raises(UsageError) as refused:
        place.desk.registry.rename("web9", "web2")
    assert refused.value.code == "agent_exists"
    with pytest.raises(UsageError):
        place.desk.registry.rename("web9", "-x")
    assert ("agent.rename", "ok", "") in place.audited()


def test_labels_are_set_and_taken_away_and_the_agentlet_is_told(place: Place) -> None:
    enrolled = place.enrol("web1")
    before = place.caller(enrolled).agent.config
    place.desk.registry.label("web1", {"site": "berlin", "owner": "ann"})
    agent = place.desk.registry.label("web1", {"owner": None, "absent": None})
    assert agent.labels == {"site": "berlin"}
    caller = place.caller(enrolled)
    assert place.desk.orders(caller).config == before + 2
    assert place.desk.config(caller.agent)["labels"] == {"site": "berlin"}


def test_rotating_asks_for_new_keys_until_they_are_used(place: Place) -> None:
    from tests.agents.conftest import make_csr

    enrolled = place.enrol("web1")
    place.desk.registry.rotate("web1", "ann")
    caller = place.caller(enrolled)
    assert place.desk.orders(caller).renew
    renewed = place.desk.renew(caller, make_csr())
    assert place.desk.orders(place.caller(enrolled)).renew
    assert not place.desk.orders(place.caller(renewed)).renew
    place.desk.registry.revoke("web1")
    with pytest.raises(UsageError) as refused:
        place.desk.registry.rotate("web1")
    assert refused.value.code == "agent_ended" and "orch agents invite web1" in str(refused.value.hint)


def test_facts_and_logs_come_back_as_the_host_gave_them(place: Place, clock: Clock) -> None:
    caller = place.caller(place.enrol("web1", facts={"os": "{{ 1 }}", "bad": "\udcff\x00"}))
    assert place.desk.registry.facts(caller.agent) == {"os": "{{ 1 }}", "bad": "\udcff\x00"}
    assert place.post.facts(caller.agent)["os"] == "{{ 1 }}"
    place.desk.log(caller.agent, [f"line {number}" for number in range(5)])
    place.desk.log(caller.agent, ["\x1b[31m\udcff", "x" * 10_000])
    lines = place.desk.registry.log_lines(caller.agent, 3)
    assert [line.text[:8] for line in lines] == ["line 4", "\x1b[31m\udcff", "xxxxxxxx"]
    assert len(lines[-1].text) == 4_000
    clock.tick(14 * 86_400 + 1)
    place.desk.sweep()
    assert place.desk.registry.log_lines(caller.agent) == []


def test_active_agentlets_are_an_inventory(place: Place) -> None:
    place.enrol("web2")
    place.enrol("web1")
    place.enrol("db1")
    place.desk.registry.revoke("db1")
    assert [agent.host for agent in place.post.agents()] == ["web1", "web2"]
