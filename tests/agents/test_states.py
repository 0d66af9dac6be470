"""The whole table of an attempt's states: what is not said here is refused and changes nothing."""

from __future__ import annotations

import itertools

import pytest

from orchestrator.agents.states import NEW_ATTEMPT, TERMINAL, Event, State, after, is_fenced, reoffer_pause_s
from orchestrator.refusals import Conflict

NEVER_CHANGES = ("finished", "cancelled", "expired", "interrupted")
EXPECTED = """
queued   claim               claimed
queued   cancel              cancelled
queued   expire              expired
queued   agent_gone          expired
claimed  start               started
claimed  report              claimed
claimed  cancel              claimed
claimed  lapse               queued     new
claimed  agent_gone          queued     new
claimed  finish              finished
claimed  finish_cancelled    cancelled
claimed  finish_interrupted  interrupted
started  report              started
started  cancel              started
started  finish              finished
started  finish_cancelled    cancelled
started  finish_interrupted  interrupted
started  lapse               lost
started  agent_gone          lost
lost     report              lost
lost     reclaim             started
lost     cancel              lost
lost     finish              finished
lost     finish_cancelled    cancelled
lost     finish_interrupted  interrupted
lost     offer_again         queued     new
"""
ROWS = [line.split() for line in EXPECTED.strip().splitlines()]
KNOWN = {(row[0], row[1]): row[2] for row in ROWS}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)), ids=lambda one: str(one))
def test_every_event_in_every_state(state: State, event: Event) -> None:
    expected = KNOWN.get((state, event))
    if expected is None:
        with pytest.raises(Conflict) as refused:
            after(state, event)
        assert refused.value.code == f"job_{state}" and refused.value.hint
    else:
        assert after(state, event) == expected


def test_what_has_ended_for_certain_never_changes() -> None:
    assert {state for state, _ in KNOWN}.isdisjoint(NEVER_CHANGES)
    assert {state.value for state in TERMINAL} == {*NEVER_CHANGES, "lost"}


def test_liveness_alone_ends_nothing_for_certain() -> None:
    """Silence makes an attempt wait or lost; finished, cancelled and interrupted are the host's word."""
    by_time = {after(state, event) for state, event in itertools.product(State, (Event.LAPSE, Event.OFFER_AGAIN))
               if (state, event) in KNOWN}
    assert by_time == {State.QUEUED, State.LOST}


def test_whoever_held_an_attempt_that_is_queued_again_is_fenced() -> None:
    assert {(row[0], row[1]) for row in ROWS if row[-1] == "new"} == {(str(s), str(e)) for s, e in NEW_ATTEMPT}
    back_to_the_queue = {key for key, new in KNOWN.items() if new == "queued"}
    assert back_to_the_queue == {(str(s), str(e)) for s, e in NEW_ATTEMPT}
    assert is_fenced(2, 1) and is_fenced(1, 2) and not is_fenced(2, 2)


@pytest.mark.parametrize(("reoffers", "pause"), [(0, 300), (1, 600), (2, 1200), (3, None), (9, None)])
def test_a_lost_job_is_offered_again_after_growing_pauses_three_times_at_most(reoffers: int, pause: int | None) -> None:
    assert reoffer_pause_s(reoffers) == pause
