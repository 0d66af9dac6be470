"""Every refusal is written down once, and a flood of them is counted instead of filling the disk."""

from __future__ import annotations

import pytest

from orchestrator.refusals import Unidentified
from tests.agents.conftest import Clock, Place


def guess(place: Place, count: int, address: str = "198.51.100.7") -> None:
    for number in range(count):
        with pytest.raises(Unidentified):
            place.desk.identify_certificate(b"guess %d" % number, address=address)


def test_a_flood_is_counted(place: Place, clock: Clock) -> None:
    guess(place, 50)
    guess(place, 1, "203.0.113.1")
    entries = place.desk.office.audit.entries()
    assert [(e.address, e.detail) for e in entries] == [
        ("203.0.113.1", {"code": "certificate_unknown"}), ("198.51.100.7", {"code": "certificate_unknown"})]
    clock.tick(60)
    place.desk.sweep()
    assert place.desk.office.audit.entries()[0].detail == {"code": "certificate_unknown", "again": 49}
    guess(place, 2)
    place.desk.close()
    assert [e.detail.get("again") for e in place.desk.office.audit.entries()][:2] == [1, None]


def test_many_addresses_do_not_fill_the_memory(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestrator.store import audit

    monkeypatch.setattr(audit, "MOST_COUNTED", 5)
    for number in range(20):
        guess(place, 2, f"198.51.100.{number}")
    assert len(place.desk.office.audit._repeats) <= 5


def test_how_long_entries_are_kept_is_the_settings_to_say_and_not_the_sweeps(place: Place, clock: Clock) -> None:
    place.desk.invite("web1", by="ann")
    clock.tick(500 * 86_400)
    place.desk.sweep()
    assert [entry.action for entry in place.desk.office.audit.entries()] == ["agent.invite"]


def test_that_entries_have_gone_is_an_entry_itself(place: Place, clock: Clock) -> None:
    place.desk.invite("web1", by="ann")
    clock.tick(400 * 86_400)
    assert place.desk.office.audit.forget(clock()) == 1
    assert [entry.action for entry in place.desk.office.audit.entries()] == ["audit.forget"]


def test_an_entry_says_who_what_whom_and_from_where(place: Place) -> None:
    enrolled = place.enrol("web1")
    newest, invited = place.desk.office.audit.entries()
    assert (newest.actor, newest.action, newest.subject, newest.outcome, newest.address) == (
        "ann", "agent.enrol", enrolled.agent_id, "ok", "192.0.2.1")
    assert newest.detail["host"] == "web1"
    assert (invited.action, invited.subject) == ("agent.invite", "web1")
