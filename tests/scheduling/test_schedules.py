"""Schedules as people handle them, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.access.rights import Grant, Identity
from orchestrator.refusals import Conflict, Malformed, NotFound, Refused, Stale
from orchestrator.store.paging import PageRequest
from tests.agents.conftest import Clock
from tests.scheduling.conftest import ANN, BOB, EVE, MAX, REQUEST, ROOT, Process, draft

PAGE = PageRequest()
LOOKER = Identity("lo", "lo", "none", grants=(Grant("playbook", "p2", "*", "viewer"),
                                              Grant("inventory", "i1", "all", "viewer")))


@pytest.mark.parametrize(("path", "changes"), [
    ("timing", {"timing": "nonsense"}), ("timing", {"timing": "0 0 31 2 *"}), ("timezone", {"timezone": "Nowhere"}),
    ("kind", {"kind": "exec"}), ("misfire", {"misfire": "never"}), ("overlap", {"overlap": "twice"}),
    ("grace_s", {"grace_s": 1}), ("jitter_s", {"jitter_s": -1}), ("max_running", {"max_running": 0}),
    ("catch_up_age_s", {"catch_up_age_s": 5}), ("name", {"name": " "}), ("name", {"name": "a\nb"}),
    ("blackouts", {"blackouts": [{}]}), ("request.kind", {"request": {**REQUEST, "kind": "plan"}}),
    ("request.schedule_id", {"request": {**REQUEST, "schedule_id": "x"}}),
    ("request", {"request": {"project_id": "p1"}}), ("request", {"request": {**REQUEST, "nonsense": 1}}),
    ("request.extra_vars", {"request": {**REQUEST, "extra_vars": [1]}}),
    ("request.forks", {"request": {**REQUEST, "forks": "many"}}),
    ("playbook", {"request": {**REQUEST, "playbook": "../x.yml"}}),
    ("extra_vars.ansible_connection", {"request": {**REQUEST, "extra_vars": {"ansible_connection": "local"}}})])
def test_what_is_wrong_is_named(process: Process, path: str, changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as refused:
        process.schedules.create(ANN, draft(**changes))
    assert path in [one for one, _ in refused.value.fields]


def test_names_are_unique(process: Process) -> None:
    process.schedules.create(ANN, draft())
    with pytest.raises(Conflict):
        process.schedules.create(ANN, draft())


def test_a_change_wants_the_version_that_was_read(process: Process) -> None:
    made = process.schedules.create(ANN, draft())
    changed = process.schedules.change(ANN, made.id, draft(timing="@hourly"), made.version)
    assert changed.version == 2
    with pytest.raises(Stale):
        process.schedules.change(ANN, made.id, draft(timing="@daily"), made.version)


def test_variables_are_sealed_and_shown_by_name_only(process: Process) -> None:
    secret = "tr0ub4dor-and-3"
    made = process.schedules.create(ANN, draft(request={**REQUEST, "extra_vars": {"password": secret}}))
    assert "extra_vars" not in made.request
    assert process.schedules.extra_var_names(made) == ["password"]
    for table in ("schedules", "audit"):
        assert secret not in str(process.database.select(f"SELECT * FROM {table}"))


def test_a_change_keeps_the_variables_of_its_owner_only(process: Process) -> None:
    made = process.schedules.create(ANN, draft(request={**REQUEST, "extra_vars": {"a": 1}}))
    kept = process.schedules.change(ANN, made.id, draft(timing="@hourly"), None)
    assert process.schedules.extra_var_names(kept) == ["a"]
    taken = process.schedules.change(BOB, made.id, draft(timing="@daily"), None)
    assert taken.created_by == "bob", "nobody makes another's rights run his own things"
    assert process.schedules.extra_var_names(taken) == []


def test_ones_own_secrets_stay_through_a_change_and_are_not_shown(process: Process) -> None:
    made = process.schedules.create(ANN, draft(request={**REQUEST, "extra_vars": {"a": 1, "api_token": "x", "b": 2}}))
    assert process.schedules.own_extra_vars(ANN, made) == ({"a": 1, "b": 2}, ["api_token"])
    assert process.schedules.own_extra_vars(BOB, made) == ({}, [])
    asked = draft(request={**REQUEST, "extra_vars": {"a": 3}})
    kept = process.schedules.change(ANN, made.id, asked, None, ["api_token", "gone"])
    assert process.schedules.extra_var_names(kept) == ["a", "api_token"]
    taken = process.schedules.change(BOB, made.id, asked, None, ["api_token"])
    assert process.schedules.extra_var_names(taken) == ["a"], "what was the former owner's is his"


def test_run_now_is_by_whoever_asks_and_not_above_the_limit(process: Process) -> None:
    made = process.schedules.create(ANN, draft())
    run_id = process.schedules.run_now(BOB, made.id)
    rows = process.database.select('SELECT "user", "schedule_id" FROM runs WHERE "id" = ?', (run_id,))
    assert rows == [("bob", made.id)]
    with pytest.raises(Conflict) as refused:
        process.schedules.run_now(ANN, made.id)
    assert refused.value.code == "schedule_busy"


def test_rights(process: Process) -> None:
    made = process.schedules.create(ANN, draft())
    assert process.schedules.show(EVE, made.id).name == "nightly"
    for act in (lambda: process.schedules.create(EVE, draft("other")), lambda: process.schedules.pause(EVE, made.id),
                lambda: process.schedules.delete(EVE, made.id), lambda: process.schedules.run_now(EVE, made.id),
                lambda: process.schedules.change(EVE, made.id, draft(), None)):
        with pytest.raises(Refused):
            act()
    for identity in (LOOKER, MAX):
        assert process.schedules.list(identity, PAGE).items == []
        with pytest.raises(NotFound):
            process.schedules.show(identity, made.id)


def test_pause_resume_delete(process: Process, clock: Clock) -> None:
    made = process.schedules.create(ANN, draft())
    assert process.schedules.pause(ANN, made.id, made.version).next_due is None
    assert process.schedules.pause(ANN, made.id).version == 2, "again does nothing"
    clock.tick(86_400)
    resumed = process.schedules.resume(ANN, made.id)
    assert resumed.next_due == clock.now + timedelta(hours=15)
    process.schedules.delete(ANN, made.id)
    with pytest.raises(NotFound):
        process.schedules.show(ANN, made.id)
    actions = [entry.action for entry in process.books.audit.entries()]
    assert actions[::-1] == ["schedule.create", "schedule.pause", "schedule.resume", "schedule.delete"]


def test_the_next_ten_times_say_which_are_blacked_out(process: Process) -> None:
    made = process.schedules.create(ANN, draft(
        timezone="Europe/Berlin", blackouts=[{"days": ["sun"], "from": "00:00", "to": "12:00", "reason": "Sunday"}]))
    times = process.schedules.next_times(EVE, made.id)
    assert len(times) == 10
    assert [one.local[:16] for one in times[:3]] == ["2026-11-22T03:00", "2026-11-23T03:00", "2026-11-24T03:00"]
    assert [one.blackout for one in times[:3]] == ["Sunday", "", ""]


def test_a_preview_needs_no_schedule(process: Process) -> None:
    times = process.schedules.preview(draft(timing="every 6h"), 3)
    assert [one.due.hour for one in times] == [18, 0, 6]
    with pytest.raises(Malformed):
        process.schedules.preview(draft(timing="every 6x"))


def test_the_calendar_shows_what_was_and_what_will_be(process: Process, clock: Clock) -> None:
    process.schedules.create(ANN, draft("daily"))
    process.schedules.create(ANN, draft("often", timing="every 1m"))
    process.schedules.create(ANN, draft("paused", paused=True))
    clock.tick(86_400)
    process.clockwork.tick()
    shown = process.schedules.calendar(EVE, clock.now - timedelta(days=1), clock.now + timedelta(days=3))
    daily = [(one.due.day, one.outcome) for one in shown.items if one.name == "daily"]
    assert daily == [(22, "launched"), (23, "planned"), (24, "planned"), (25, "planned")]
    assert shown.truncated == ["often"]
    assert {one.name for one in shown.items} == {"daily", "often"}
    with pytest.raises(Malformed):
        process.schedules.calendar(EVE, clock.now, clock.now + timedelta(days=63))
    assert process.schedules.calendar(LOOKER, clock.now, clock.now + timedelta(days=3)).items == []


def test_fires_come_in_pages_the_latest_first(process: Process, clock: Clock) -> None:
    made = process.schedules.create(ANN, draft(timing="every 1h", misfire="skip"))
    clock.tick(5 * 3600)
    process.clockwork.tick()
    first = process.schedules.fires(EVE, made.id, PageRequest(limit=2))
    second = process.schedules.fires(EVE, made.id, PageRequest(limit=2, cursor=first.next))
    assert [one.due.hour for one in first.items + second.items] == [17, 16, 15, 14]
    assert [one.due.hour for one in process.schedules.fires(EVE, made.id, PAGE, outcome="launched").items] == [17]


def test_lists_are_filtered(process: Process) -> None:
    process.schedules.create(ANN, draft("a"))
    process.schedules.create(ANN, draft("b", kind="plan", paused=True))
    names = [one.name for one in process.schedules.list(ROOT, PAGE).items]
    assert names == ["a", "b"]
    assert [one.name for one in process.schedules.list(ROOT, PAGE, state="paused").items] == ["b"]
    assert [one.name for one in process.schedules.list(ROOT, PAGE, kind="run").items] == ["a"]
    assert process.schedules.list(ROOT, PAGE, project_id="p2").items == []
    assert process.schedules.by_name(ROOT, "b").kind == "plan"
