"""Events are stored once each, in order, whole, whatever a network does to the requests that bring them."""

from __future__ import annotations

import json
import random

import pytest

from orchestrator.agents.identity import Caller
from orchestrator.agents.records import Incomplete, Stored
from orchestrator.errors import ProtocolError
from orchestrator.refusals import Conflict, Malformed, Rewind
from tests.agents.conftest import Place, digest_of, envelope, heads


@pytest.fixture
def caller(place: Place) -> Caller:
    """Has started j1."""
    caller = place.agent()
    place.post.post(envelope())
    place.desk.claim(caller, "j1", 1, "key")
    place.desk.start(caller, "j1", 1, "key")
    return caller


def test_doubled_and_overlapping_events_are_stored_once(place: Place, caller: Caller) -> None:
    add = place.desk.add_events
    assert add(caller, "j1", 1, 1, heads(count=3)) == 4
    assert add(caller, "j1", 1, 1, heads(count=3)) == 4
    assert add(caller, "j1", 1, 2, heads(first=2, count=4)) == 6
    assert add(caller, "j1", 1, 5, heads(first=5)) == 6
    assert [event["seq"] for event in place.post.events_after("j1", 1)] == [1, 2, 3, 4, 5]
    assert [event["seq"] for event in place.post.events_after("j1", 1, 3)] == [4, 5]
    assert place.post.events_after("j1", 1, 5) == []


def test_a_gap_is_told_and_nothing_is_stored(place: Place, caller: Caller) -> None:
    with pytest.raises(Rewind) as refused:
        place.desk.add_events(caller, "j1", 1, 3, heads(first=3))
    assert refused.value.next == 1
    assert place.post.state_of("j1").next_seq == 1


def test_any_order_of_any_pieces_gives_the_same(place: Place, caller: Caller) -> None:
    """200 requests, doubled, reordered and cut at random."""
    dice, lines = random.Random(4), heads(count=60)
    for _ in range(200):
        first = dice.randrange(1, 61)
        piece = lines[first - 1:first - 1 + dice.randrange(1, 12)]
        try:
            place.desk.add_events(caller, "j1", 1, first, piece)
        except Rewind as rewind:
            assert rewind.next <= first
    while (next_seq := place.post.state_of("j1").next_seq) <= 60:
        place.desk.add_events(caller, "j1", 1, next_seq, lines[next_seq - 1:next_seq + 6])
    assert place.desk.finish(caller, "j1", 1, "ok", 60, digest_of(lines)) == Stored("finished")
    assert place.post.state_of("j1").digest_ok
    assert [event["seq"] for event in place.post.events_after("j1", 1)] == list(range(1, 61))


@pytest.mark.parametrize(("first", "lines"), [
    (0, heads()), (1, []), (1, ["{}"] * 1001), (1, ["ü"]), (1, ["a\nb"]), (1, [""]), (1, [5]),
], ids=["zero", "none", "many", "not ascii", "two lines", "empty", "no text"])
def test_what_is_no_event_is_refused(place: Place, caller: Caller, first: int, lines: list[str]) -> None:
    with pytest.raises(Malformed):
        place.desk.add_events(caller, "j1", 1, first, lines)


def test_a_finish_waits_until_all_is_there(place: Place, caller: Caller) -> None:
    lines = heads(count=3)
    finish = place.desk.finish
    assert finish(caller, "j1", 1, "ok", 3, digest_of(lines)) == Incomplete(1)
    place.desk.add_events(caller, "j1", 1, 1, lines[:2])
    assert finish(caller, "j1", 1, "ok", 3, digest_of(lines)) == Incomplete(3)
    assert place.post.state_of("j1").state == "started"
    place.desk.add_events(caller, "j1", 1, 3, lines[2:])
    assert finish(caller, "j1", 1, "ok", 3, digest_of(lines), evicted=4) == Stored("finished")
    state = place.post.state_of("j1")
    assert (state.status, state.event_count, state.digest_ok, state.evicted) == ("ok", 3, True, 4)


def test_a_doubled_finish_is_the_same_and_another_one_is_refused(place: Place, caller: Caller) -> None:
    lines = heads(count=1)
    place.desk.add_events(caller, "j1", 1, 1, lines)
    for _ in range(2):
        assert place.desk.finish(caller, "j1", 1, "failed", 1, digest_of(lines)) == Stored("finished")
    for status, count, digest in (("ok", 2, digest_of(lines)), ("ok", 1, "0" * 64)):
        with pytest.raises(Conflict):
            place.desk.finish(caller, "j1", 1, status, count, digest)
    assert place.desk.add_events(caller, "j1", 1, 1, lines) == 2
    with pytest.raises(Conflict):
        place.desk.add_events(caller, "j1", 1, 2, heads(first=2))
    state = place.post.state_of("j1")
    assert (state.state, state.status, state.next_seq) == ("finished", "failed", 2)


def test_fewer_events_than_there_are_is_refused(place: Place, caller: Caller) -> None:
    place.desk.add_events(caller, "j1", 1, 1, heads(count=3))
    with pytest.raises(Conflict) as refused:
        place.desk.finish(caller, "j1", 1, "ok", 2, digest_of(heads(count=2)))
    assert refused.value.code == "count"


def test_a_digest_that_does_not_fit_is_told_to_the_run(place: Place, caller: Caller) -> None:
    place.desk.add_events(caller, "j1", 1, 1, heads())
    place.desk.finish(caller, "j1", 1, "ok", 1, "0" * 64)
    state = place.post.state_of("j1")
    assert (state.state, state.digest_ok) == ("finished", False)
    assert ("job.digest", "refused", "") in place.audited()


@pytest.mark.parametrize(("status", "count"), [("done", 0), ("", 0), ("ok", -1)])
def test_a_finish_that_makes_no_sense_is_refused(place: Place, caller: Caller, status: str, count: int) -> None:
    with pytest.raises(Malformed):
        place.desk.finish(caller, "j1", 1, status, count, "")


def test_a_job_that_the_host_refuses_ends_without_having_started(place: Place) -> None:
    """Its policy, or a signature that does not fit: a result without a start."""
    caller = place.agent()
    place.post.post(envelope())
    place.desk.claim(caller, "j1", 1)
    lines = heads(count=2)
    place.desk.add_events(caller, "j1", 1, 1, lines)
    assert place.desk.finish(caller, "j1", 1, "failed", 2, digest_of(lines)) == Stored("finished")


@pytest.mark.parametrize("change", [{"job": "j2"}, {"seq": 5}, {"seq": "1"}, {"t": 1}], ids=str)
def test_an_event_that_is_another_ones_is_not_believed(place: Place, caller: Caller, change: dict[str, object]) -> None:
    head = json.dumps({"t": "event", "job": "j1", "attempt": 1, "seq": 1, **change})
    place.desk.add_events(caller, "j1", 1, 1, [head])
    with pytest.raises(ProtocolError):
        place.post.events_after("j1", 1)


def test_what_is_no_json_is_not_believed(place: Place, caller: Caller) -> None:
    place.desk.add_events(caller, "j1", 1, 1, ["[" * 5000])
    with pytest.raises(ProtocolError):
        place.post.events_after("j1", 1)
