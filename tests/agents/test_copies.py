"""Two machines with one identity, as when a disk was copied: one of them goes on with a job that has begun."""

from __future__ import annotations

import pytest

from orchestrator.agents.jobs import TWIN
from orchestrator.agents.records import Held
from tests.agents.conftest import Clock, Place, digest_of, envelope, heads
from tests.agents.test_jobs import code_of, started


def test_of_two_copies_of_a_host_one_goes_on(place: Place) -> None:
    """Both have the key that the job was claimed with; each of them exchanges it for its own."""
    caller = started(place)
    place.desk.add_events(caller, "j1", 1, 1, heads(), "key")
    for _ in range(2):  # an answer was lost
        place.desk.resume(caller, "j1", 1, "key", "of the copy", 1)
    assert code_of(place.desk.resume, caller, "j1", 1, "key", "of another", 1) == TWIN
    assert code_of(place.desk.add_events, caller, "j1", 1, 2, heads(first=2), "key") == TWIN
    assert code_of(place.desk.finish, caller, "j1", 1, "ok", 1, digest_of(heads()), 0, "key") == TWIN
    assert place.desk.add_events(caller, "j1", 1, 2, heads(first=2), "of the copy") == 3
    assert ("agent.events", "refused", TWIN) in place.audited()


def test_the_copy_that_lost_hears_it_with_its_heartbeat_and_renews_nothing(place: Place, clock: Clock) -> None:
    caller = started(place)
    place.desk.resume(caller, "j1", 1, "key", "of the copy", 0)
    clock.tick(700)
    assert place.desk.heartbeat(caller, [Held("j1", 1, "key")]).gone == ["j1"]
    clock.tick(20)
    assert place.desk.sweep().lost == 1
    assert place.desk.heartbeat(caller, [Held("j1", 1, "key")]).gone == ["j1"]
    assert place.post.state_of("j1").state == "lost"  # nor does it take up what the other has
    assert place.desk.heartbeat(caller, [Held("j1", 1, "of the copy")]).gone == []
    assert place.post.state_of("j1").state == "started"


def test_a_copy_from_before_what_is_stored_does_not_go_on(place: Place) -> None:
    caller = started(place)
    place.desk.add_events(caller, "j1", 1, 1, heads(count=3), "key")
    assert code_of(place.desk.resume, caller, "j1", 1, "key", "of the copy", 2) == TWIN
    assert place.desk.add_events(caller, "j1", 1, 4, heads(first=4), "key") == 5


@pytest.mark.parametrize("state", ["queued", "finished"])
def test_nothing_goes_on_that_is_not_under_way(place: Place, state: str) -> None:
    caller = place.agent()
    place.post.post(envelope())
    if state == "finished":
        place.desk.claim(caller, "j1", 1, "key")
        place.desk.finish(caller, "j1", 1, "failed", 0, digest_of([]))
    assert code_of(place.desk.resume, caller, "j1", 1, "key", "next", 0) == f"job_{state}"
