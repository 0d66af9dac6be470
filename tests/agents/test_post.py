"""The carrier's side: posting twice is posting once, a later attempt replaces, an acknowledgement leaves no secret."""

from __future__ import annotations

import pytest

from orchestrator.agents.envelope import from_text
from orchestrator.errors import StoreError
from tests.agents.conftest import Clock, Place, digest_of, envelope, heads


def code_of(act: object, *args: object) -> str:
    with pytest.raises(StoreError) as refused:
        act(*args)  # type: ignore[operator]
    assert refused.value.hint
    return refused.value.code


def test_posting_again_attaches_to_what_is_there(place: Place) -> None:
    caller = place.agent()
    first = place.post.post(envelope(tasks=[{"id": "a"}]))
    assert place.post.post(envelope(tasks=[{"id": "b"}])) == first
    assert from_text(place.desk.claim(caller, "j1", 1).envelope).tasks == [{"id": "a"}]
    assert place.post.post(envelope()).state == "claimed"


def test_a_later_attempt_replaces_what_is_not_with_the_host(place: Place) -> None:
    caller = place.agent()
    place.post.post(envelope())
    state = place.post.post(envelope(attempt=2))
    assert (state.state, state.attempt) == ("queued", 2)
    place.desk.claim(caller, "j1", 2)
    assert code_of(place.post.post, envelope(attempt=3)) == "job_with_host"


def test_a_run_that_is_resumed_attaches_to_what_the_mailbox_queued_again(place: Place, clock: Clock) -> None:
    """The run knows of its own attempts alone."""
    caller = place.agent()
    place.post.post(envelope())
    place.desk.claim(caller, "j1", 1)
    clock.tick(3600)
    place.desk.sweep()
    state = place.post.post(envelope(attempt=1))
    assert (state.state, state.attempt) == ("queued", 2)


def test_what_expired_is_posted_anew_under_the_next_attempt(place: Place, clock: Clock) -> None:
    place.agent()
    place.post.post(envelope(), ttl_s=60)
    clock.tick(61)
    place.desk.sweep()
    assert place.post.state_of("j1").state == "expired"
    state = place.post.post(envelope())
    assert (state.state, state.attempt) == ("queued", 2)


def test_what_was_cancelled_before_it_began_is_posted_anew(place: Place) -> None:
    place.agent()
    place.post.post(envelope())
    assert place.post.cancel("j1").state == "cancelled"
    assert (place.post.post(envelope()).state, place.post.state_of("j1").attempt) == ("queued", 2)


def test_results_that_are_stored_do_not_stand_for_a_later_asking(place: Place) -> None:
    caller = place.agent()
    place.post.post(envelope())
    place.desk.claim(caller, "j1", 1)
    place.desk.start(caller, "j1", 1)
    lines = heads(count=1)
    place.desk.add_events(caller, "j1", 1, 1, lines)
    place.desk.finish(caller, "j1", 1, "failed", 1, digest_of(lines))
    assert place.post.post(envelope()).state == "finished"
    place.post.ack("j1", 1)
    assert (place.post.post(envelope()).state, place.post.state_of("j1").attempt) == ("queued", 2)


def test_who_has_no_agentlet_gets_no_post(place: Place) -> None:
    assert code_of(place.post.post, envelope(host="nobody")) == "agent_unknown"
    assert code_of(place.post.state_of, "none") == "job_unknown"


def test_an_acknowledged_job_is_emptied_and_stays_known(place: Place, clock: Clock) -> None:
    caller = place.agent()
    place.post.post(envelope(secrets={"s": "hush"}))
    place.post.ack("j1", 1)  # too early: nothing is lost by it
    place.desk.claim(caller, "j1", 1)
    place.desk.start(caller, "j1", 1)
    lines = heads(count=3)
    place.desk.add_events(caller, "j1", 1, 1, lines)
    place.desk.finish(caller, "j1", 1, "ok", 3, digest_of(lines))
    place.post.ack("j1", 2)
    assert len(place.post.events_after("j1", 1)) == 3
    for _ in range(2):
        place.post.ack("j1", 1)
    assert place.post.events_after("j1", 1) == []
    assert place.desk.office.jobs.value("body", '"id" = ?', "j1") == b""
    state = place.post.state_of("j1")
    assert state.acked and state.state == "finished"
    assert place.desk.finish(caller, "j1", 1, "ok", 3, digest_of(lines)).state == "finished"  # type: ignore[union-attr]
    clock.tick(7 * 86_400 + 1)
    place.desk.sweep()
    assert code_of(place.post.state_of, "j1") == "job_unknown"


def test_what_waits_is_never_forgotten_before_its_time(place: Place, clock: Clock) -> None:
    place.agent()
    place.post.post(envelope(), ttl_s=30 * 86_400)
    clock.tick(20 * 86_400)
    place.desk.sweep()
    assert place.post.state_of("j1").state == "queued"


def test_the_jobs_of_a_run_are_found_again(place: Place, clock: Clock) -> None:
    place.agent("web1")
    place.agent("web2")
    for job, host, run in (("a", "web1", "r1"), ("b", "web2", "r1"), ("c", "web1", "r2")):
        place.post.post(envelope(job, host, run=run))
        clock.tick(1)
    assert [(state.job, state.host) for state in place.post.jobs_of("r1")] == [("a", "web1"), ("b", "web2")]


def test_cancelling_what_has_ended_changes_nothing(place: Place) -> None:
    caller = place.agent()
    place.post.post(envelope())
    place.desk.claim(caller, "j1", 1)
    place.desk.finish(caller, "j1", 1, "ok", 0, digest_of([]))
    before = place.post.state_of("j1")
    assert place.post.cancel("j1") == before
    assert code_of(place.post.cancel, "none") == "job_unknown"


def test_the_moments_in_an_envelope_are_the_servers(place: Place, clock: Clock) -> None:
    caller = place.agent()
    place.post.post(envelope(created=5, expires=6), ttl_s=100)
    taken = from_text(place.desk.claim(caller, "j1", 1).envelope)
    assert (taken.created, taken.expires) == (int(clock().timestamp()), int(clock().timestamp()) + 100)
