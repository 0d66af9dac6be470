"""A signed request is good once, whichever of several server processes hears it."""

from __future__ import annotations

from functools import partial

import pytest

from orchestrator.refusals import Unidentified
from tests.agents.conftest import Clock, Place
from tests.agents.test_at_once import at_once
from tests.agents.test_identity import signed


def rows(place: Place) -> int:
    return int(place.databases[0].select("SELECT count(*) FROM nonces")[0][0])


def test_what_one_process_heard_another_refuses(place: Place, clock: Clock) -> None:
    enrolled, first, at = place.enrol(token_only=True), place.desk, clock().timestamp()
    place.desk = second = place.new_desk()
    signed(place, enrolled, at=at)
    for desk in (first, second):
        place.desk = desk
        with pytest.raises(Unidentified) as refused:
            signed(place, enrolled, at=at)
        assert refused.value.code == "nonce"
    signed(place, enrolled, at=at, nonce="nonce-02")


def test_one_of_several_that_hear_it_at_once_takes_it(place: Place, clock: Clock) -> None:
    desks = [place.new_desk() for _ in range(4)]
    for number in range(20):
        took = at_once([partial(desk._identity._nonces.take, "agent", f"nonce-{number}", clock()) for desk in desks])
        assert sorted(took) == [False, False, False, True]


def test_a_nonce_is_each_agentlets_own(place: Place) -> None:
    for host in ("web1", "web2"):
        signed(place, place.enrol(host, token_only=True), nonce="the-same-one")


def test_what_is_not_signed_rightly_leaves_nothing_behind(place: Place) -> None:
    with pytest.raises(Unidentified):
        signed(place, place.enrol(token_only=True), tamper={"signature": "0" * 64})
    assert rows(place) == 0


def test_nonces_go_when_no_servers_clock_believes_their_request(place: Place, clock: Clock) -> None:
    enrolled = place.enrol(token_only=True)
    signed(place, enrolled, at=clock().timestamp() + 300)
    clock.tick(300 + 300 + 299)
    place.desk.sweep()
    assert rows(place) == 1
    clock.tick(61)
    place.desk.sweep()
    assert rows(place) == 0
