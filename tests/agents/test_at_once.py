"""Several processes on one store: one wins, nobody waits for ever, and a restarted database is found again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from orchestrator.errors import OrchError, StoreError
from orchestrator.refusals import Conflict, Unidentified
from tests.agents.conftest import Place, claims_of, envelope, heads, make_csr


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """What each returned or raised; each in a thread of its own, begun together."""
    barrier = threading.Barrier(len(acts))
    found: list[Any] = [None] * len(acts)

    def run(number: int) -> None:
        barrier.wait()
        try:
            found[number] = acts[number]()
        except OrchError as error:
            found[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


def test_one_claim_and_one_start_win(place: Place) -> None:
    caller = place.agent()
    desks = [place.new_desk() for _ in range(4)]
    for number in range(5):
        job = f"j{number}"
        place.post.post(envelope(job))
        claims = at_once([partial(desk.claim, caller, job, 1, str(key)) for key, desk in enumerate(desks)])
        losers = [one for one in claims if isinstance(one, Conflict)]
        assert len(losers) == 3, claims
        starts = at_once([partial(desk.start, caller, job, 1, str(key)) for key, desk in enumerate(desks)])
        assert sum(one is None for one in starts) == 1, starts


def test_one_enrolment_wins(place: Place) -> None:
    token = place.desk.invite("web1").token
    desks = [place.new_desk() for _ in range(4)]
    found = at_once([partial(desk.enrol, token, make_csr(), claims_of("web1", instance_id=f"random-instance-{number}"))
                     for number, desk in enumerate(desks)])
    assert sum(isinstance(one, Unidentified) for one in found) == 3, found
    assert len(place.desk.registry.listed()) == 1


def test_doubled_events_are_stored_once(place: Place) -> None:
    caller = place.agent()
    place.post.post(envelope())
    place.desk.claim(caller, "j1", 1)
    desks = [place.new_desk() for _ in range(3)]
    for first in range(1, 40, 4):
        lines = heads(first=first, count=4)
        found = at_once([partial(desk.add_events, caller, "j1", 1, first, lines) for desk in desks])
        assert found == [first + 4] * 3
    assert [event["seq"] for event in place.post.events_after("j1", 1)] == list(range(1, 41))


def test_two_that_sweep_do_each_thing_once(place: Place) -> None:
    place.agent()
    for number in range(20):
        place.post.post(envelope(f"j{number}"), ttl_s=60)
    place.clock.tick(61)
    desks = [place.new_desk() for _ in range(3)]
    found = at_once([desk.sweep for desk in desks])
    assert sum(swept.expired for swept in found) == 20


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_after_a_restart_of_the_database_the_next_call_works(place: Place) -> None:
    place.agent()
    place.post.post(envelope())
    own, = place.desk.database.select("SELECT pg_backend_pid()")
    place.databases[-1].select("SELECT pg_terminate_backend(?)", own)
    with pytest.raises(StoreError):
        place.desk.registry.listed()
    assert len(place.desk.registry.listed()) == 1
    place.desk.invite("web2")
