"""Offers by priority and age, one claim, one start; leases, grace and fences; every refusal is the right one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.agents.envelope import from_text
from orchestrator.agents.identity import Caller
from orchestrator.agents.records import Held, Timing
from orchestrator.errors import StoreError
from orchestrator.refusals import Conflict, Malformed, NotFound
from tests.agents.conftest import Clock, Place, digest_of, envelope, heads

SAFE = [{"id": "t", "module": "stat", "args": {}, "retry_safe": True}]


def code_of(act: Callable[..., object], *args: object) -> str:
    with pytest.raises((Conflict, NotFound)) as refused:
        act(*args)
    assert refused.value.hint
    return refused.value.code


def started(place: Place, job: str = "j1", **changes: object) -> Caller:
    caller = place.agent()
    place.post.post(envelope(job, **changes))
    place.desk.claim(caller, job, 1, "key")
    place.desk.start(caller, job, 1, "key")
    return caller


def test_the_highest_priority_first_then_the_oldest(place: Place, clock: Clock) -> None:
    caller = place.agent()
    for job, priority in (("a", 0), ("b", 5), ("c", 0), ("d", 5), ("e", -1)):
        place.post.post(envelope(job, priority=priority))
        clock.tick(1)
    order = []
    while offers := place.desk.offers(caller):
        order.append(offers[0].job)
        place.desk.claim(caller, offers[0].job, 1)
    assert order == ["b", "d", "a", "c", "e"]


@pytest.mark.parametrize(("running", "count"), [([], 2), (["x"], 1), (["x", "y"], 0), (["x", "y", "z"], 0)])
def test_no_more_is_offered_than_may_run(place: Place, running: list[str], count: int) -> None:
    caller = place.agent()
    for job in ("a", "b", "c"):
        place.post.post(envelope(job))
    assert len(place.desk.offers(caller, running)) == count


def test_a_job_is_offered_to_its_own_agentlet_alone(place: Place) -> None:
    one, other = place.agent("web1"), place.agent("web2")
    place.post.post(envelope("j1", "web1"))
    assert place.desk.offers(other) == []
    for act in (place.desk.claim, place.desk.start):
        assert code_of(act, other, "j1", 1) == "job_unknown"
    assert code_of(place.desk.add_events, other, "j1", 1, 1, heads()) == "job_unknown"
    assert code_of(place.desk.finish, other, "j1", 1, "ok", 0, digest_of([])) == "job_unknown"
    assert code_of(place.desk.put_upload, other, "j1", 1, "s", 0, True, b"") == "job_unknown"
    refused = {action for action, outcome, code in place.audited() if outcome == "refused"}
    assert refused == {"agent.claim", "agent.start", "agent.events", "agent.finish", "agent.upload"}
    assert place.desk.due() == {one.agent.id}
    assert place.desk.orders(other).cancel == []


def test_a_claim_is_won_once(place: Place) -> None:
    caller = place.agent()
    place.post.post(envelope())
    first = place.desk.claim(caller, "j1", 1, "mine")
    assert place.desk.claim(caller, "j1", 1, "mine") == first
    assert code_of(place.desk.claim, caller, "j1", 1, "other") == "job_claimed"
    assert code_of(place.desk.claim, caller, "j1", 1) == "job_claimed"
    place.desk.start(caller, "j1", 1, "mine")
    place.desk.start(caller, "j1", 1, "mine")
    assert code_of(place.desk.claim, caller, "j1", 1, "mine") == "job_started"
    assert code_of(place.desk.start, caller, "j1", 1, "other") == "job_started"


def test_nothing_starts_that_was_not_claimed(place: Place) -> None:
    caller = place.agent()
    place.post.post(envelope())
    assert code_of(place.desk.start, caller, "j1", 1) == "job_queued"
    assert code_of(place.desk.start, caller, "j1", 2) == "job_fenced"
    assert code_of(place.desk.start, caller, "none", 1) == "job_unknown"


def test_a_job_waits_until_its_time_to_live_is_over(place: Place, clock: Clock) -> None:
    caller = place.agent()
    place.post.post(envelope(), ttl_s=3600)
    clock.tick(3600)
    assert place.desk.offers(caller) == []
    assert code_of(place.desk.claim, caller, "j1", 1) == "job_expired"
    assert place.desk.sweep().expired == 1
    assert place.post.state_of("j1").state == "expired"
    assert code_of(place.desk.claim, caller, "j1", 1) == "job_expired"


def test_the_time_to_live_ends_nothing_that_was_claimed(place: Place, clock: Clock) -> None:
    caller = place.agent()
    place.post.post(envelope(), ttl_s=300)
    place.desk.claim(caller, "j1", 1)
    clock.tick(301)
    place.desk.sweep()
    place.desk.start(caller, "j1", 1)
    assert place.post.state_of("j1").state == "started"


def test_a_claim_that_never_started_is_queued_again_as_a_new_attempt(place: Place, clock: Clock) -> None:
    """Nothing has happened yet, and the old holder can begin nothing any more."""
    caller = place.agent()
    place.post.post(envelope())
    place.desk.claim(caller, "j1", 1, "key")
    clock.tick(721)
    assert place.desk.sweep().queued_again == 1
    assert code_of(place.desk.start, caller, "j1", 1, "key") == "job_fenced"
    (offer,) = place.desk.offers(caller)
    assert offer.attempt == 2
    assert from_text(place.desk.claim(caller, "j1", 2, "key").envelope).attempt == 2


@pytest.mark.parametrize("sign", ["heartbeat", "events"])
def test_signs_of_life_keep_the_lease(place: Place, clock: Clock, sign: str) -> None:
    caller = started(place)
    for number in range(1, 6):
        clock.tick(700)
        if sign == "heartbeat":
            place.desk.heartbeat(caller, [Held("j1", 1)])
        else:
            place.desk.add_events(caller, "j1", 1, number, heads(first=number))
        place.desk.sweep()
    assert place.post.state_of("j1").state == "started"


def test_silence_makes_it_lost_and_a_late_finish_makes_it_finished(place: Place, clock: Clock) -> None:
    caller = started(place)
    clock.tick(719)
    place.desk.sweep()
    assert place.post.state_of("j1").state == "started"
    clock.tick(1)
    assert place.desk.sweep().lost == 1
    state = place.post.state_of("j1")
    assert state.state == "lost" and state.offer_after is None
    clock.tick(6 * 86_400)
    place.desk.sweep()
    lines = heads(count=2)
    place.desk.add_events(caller, "j1", 1, 1, lines)
    assert place.post.state_of("j1").state == "lost"
    place.desk.finish(caller, "j1", 1, "ok", 2, digest_of(lines))
    assert place.post.state_of("j1").state == "finished"
    assert [event["seq"] for event in place.post.events_after("j1", 1)] == [1, 2]


def test_the_silence_of_a_server_is_not_the_hosts(place: Place, clock: Clock) -> None:
    caller = started(place)
    clock.tick(3_600)  # nobody was here to hear it
    place.desk = place.new_desk()
    assert place.desk.sweep().lost == 0
    clock.tick(719)
    assert place.desk.sweep().lost == 0
    place.desk.heartbeat(caller, [Held("j1", 1, "key")])
    clock.tick(719)
    assert place.desk.sweep().lost == 0
    clock.tick(1)
    assert place.desk.sweep().lost == 1


@pytest.mark.parametrize(("after_s", "state"), [(180, "started"), (181, "lost")])
def test_who_comes_back_within_the_grace_has_its_job_again(
    place: Place, clock: Clock, after_s: int, state: str
) -> None:
    caller = started(place)
    clock.tick(720)
    place.desk.sweep()
    clock.tick(after_s)
    orders = place.desk.heartbeat(caller, [Held("j1", 1)])
    assert place.post.state_of("j1").state == state
    assert orders.gone == []  # its result is welcome either way
    clock.tick(700)
    place.desk.sweep()
    assert place.post.state_of("j1").state == state


def test_a_lost_job_that_may_run_twice_is_offered_again_three_times(place: Place, clock: Clock) -> None:
    caller = started(place, tasks=SAFE)
    pauses = []
    for attempt in range(2, 5):
        clock.tick(720)
        place.desk.sweep()
        lost = place.post.state_of("j1")
        assert lost.state == "lost" and lost.offer_after is not None
        pauses.append((lost.offer_after - clock()).total_seconds())
        clock.tick(pauses[-1] - 1)
        place.desk.sweep()
        assert place.desk.offers(caller) == []
        clock.tick(1)
        assert place.desk.sweep().offered_again == 1
        place.desk.claim(caller, "j1", attempt, "key")
        place.desk.start(caller, "j1", attempt, "key")
    assert pauses == [300, 600, 1200]
    clock.tick(720)
    place.desk.sweep()
    last = place.post.state_of("j1")
    assert (last.state, last.attempt, last.reoffers, last.offer_after) == ("lost", 4, 3, None)


def test_one_task_that_must_not_run_twice_keeps_the_job_lost(place: Place, clock: Clock) -> None:
    started(place, tasks=[*SAFE, {"id": "u", "module": "command", "args": {}}])
    clock.tick(720)
    place.desk.sweep()
    clock.tick(86_400)
    assert place.desk.sweep().offered_again == 0
    assert place.post.state_of("j1").state == "lost"


def test_a_late_finish_before_the_new_offer_stands(place: Place, clock: Clock) -> None:
    caller = started(place, tasks=SAFE)
    clock.tick(720)
    place.desk.sweep()
    place.desk.finish(caller, "j1", 1, "ok", 0, digest_of([]))
    clock.tick(86_400)
    place.desk.sweep()
    state = place.post.state_of("j1")
    assert (state.state, state.attempt) == ("finished", 1)


def test_an_older_attempt_changes_nothing(place: Place, clock: Clock) -> None:
    """Invariant 4."""
    caller = started(place, tasks=SAFE)
    lines = heads(count=2)
    place.desk.add_events(caller, "j1", 1, 1, lines)
    clock.tick(720)
    place.desk.sweep()
    clock.tick(300)
    place.desk.sweep()
    before = place.post.state_of("j1")
    assert (before.state, before.attempt, before.next_seq) == ("queued", 2, 1)
    assert code_of(place.desk.add_events, caller, "j1", 1, 3, heads(first=3)) == "job_fenced"
    assert code_of(place.desk.finish, caller, "j1", 1, "ok", 2, digest_of(lines)) == "job_fenced"
    assert code_of(place.desk.put_upload, caller, "j1", 1, "s", 0, True, b"") == "job_fenced"
    assert code_of(place.desk.start, caller, "j1", 1, "key") == "job_fenced"
    assert place.desk.heartbeat(caller, [Held("j1", 1)]).gone == ["j1"]
    assert place.post.state_of("j1") == before
    assert place.post.events_after("j1", 2) == []


def test_a_cancelled_job_ends_at_once_while_it_waits(place: Place) -> None:
    caller = place.agent()
    place.post.post(envelope())
    assert place.post.cancel("j1").state == "cancelled"
    assert place.desk.offers(caller) == []
    assert code_of(place.desk.claim, caller, "j1", 1) == "job_cancelled"


def test_a_cancelled_job_that_was_claimed_never_starts(place: Place) -> None:
    caller = place.agent()
    place.post.post(envelope())
    place.desk.claim(caller, "j1", 1)
    assert place.post.cancel("j1").state == "claimed"
    assert place.desk.orders(caller).cancel == ["j1"]
    assert code_of(place.desk.start, caller, "j1", 1) == "job_cancelled"
    assert place.post.state_of("j1").state == "cancelled"


@pytest.mark.parametrize(("status", "state"), [("cancelled", "cancelled"), ("ok", "finished"),
                                               ("interrupted", "interrupted"), ("failed", "finished")])
def test_a_cancel_of_a_running_job_is_a_wish_until_the_host_confirms(place: Place, status: str, state: str) -> None:
    caller = started(place)
    assert place.post.cancel("j1").state == "started"
    assert place.desk.due() == {caller.agent.id}
    assert place.desk.heartbeat(caller, [Held("j1", 1)]).cancel == ["j1"]
    place.desk.finish(caller, "j1", 1, status, 0, digest_of([]))
    found = place.post.state_of("j1")
    assert (found.state, found.status) == (state, status)
    assert place.desk.orders(caller).cancel == []


def test_a_cancelled_lost_job_is_not_offered_again_and_told_when_its_host_comes_back(
    place: Place, clock: Clock
) -> None:
    caller = started(place, tasks=SAFE)
    clock.tick(720)
    place.desk.sweep()
    state = place.post.cancel("j1")
    assert state.state == "lost" and state.offer_after is None
    clock.tick(86_000)
    assert place.desk.sweep().offered_again == 0
    assert place.desk.heartbeat(caller, [Held("j1", 1)]).cancel == ["j1"]


def test_what_has_ended_or_never_was_is_gone(place: Place) -> None:
    caller = started(place)
    place.desk.finish(caller, "j1", 1, "ok", 0, digest_of([]))
    orders = place.desk.heartbeat(caller, [Held("j1", 1), Held("unknown", 3)])
    assert sorted(orders.gone) == ["j1", "unknown"]


def test_a_heartbeat_names_few_jobs(place: Place) -> None:
    caller = place.agent()
    with pytest.raises(Malformed):
        place.desk.heartbeat(caller, [Held(str(number), 1) for number in range(101)])


def test_revoking_drops_what_waits_and_loses_what_runs(place: Place) -> None:
    caller = place.agent()
    for job in ("waits", "claimed", "started"):
        place.post.post(envelope(job, tasks=SAFE))
    place.desk.claim(caller, "claimed", 1)
    place.desk.claim(caller, "started", 1)
    place.desk.start(caller, "started", 1)
    place.desk.registry.revoke("web1")
    states = {job: place.post.state_of(job) for job in ("waits", "claimed", "started")}
    assert {job: state.state for job, state in states.items()} == {
        "waits": "expired", "claimed": "expired", "started": "lost"}
    assert states["started"].offer_after is None
    with pytest.raises(StoreError) as refused:
        place.post.post(envelope("more"))
    assert refused.value.code == "agent_unknown" and "orch agents invite web1" in str(refused.value.hint)


@pytest.mark.parametrize("timing", [
    {"grace_s": 720}, {"lease_s": 721}, {"heartbeat_s": 300}, {"interval_s": 4}, {"interval_s": 901},
], ids=str)
def test_times_that_do_not_fit_together_are_refused(timing: dict[str, int]) -> None:
    Timing().check()
    with pytest.raises(ValueError):
        Timing(**timing).check()


def test_a_heartbeat_tells_the_version_that_runs_now(place: Place) -> None:
    caller = place.agent()
    place.desk.heartbeat(caller, [], "9.9.9")
    found = place.post.agent_for("web1")
    assert found is not None and found.version == "9.9.9"
