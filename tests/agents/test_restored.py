"""A store restored from a backup: nobody is let in by mistake, locked out for good, or made to run a task twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.agents.opening import open_desk, open_post
from orchestrator.agents.records import Held
from orchestrator.errors import UsageError
from orchestrator.refusals import Conflict, Refused, Unidentified
from tests.agents.conftest import Clock, Place, digest_of, envelope, heads, make_csr
from tests.agents.test_identity import signed

pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True)
Restore = Callable[[], None]


@pytest.fixture
def restore(place: Place, tmp_path: Path) -> Restore:
    """Takes a backup now; called, it puts it in place of the store, and begins anew on it."""
    kept = tmp_path / "backup.db"

    def back_up() -> None:
        for database in place.databases:
            database.close()
        for leftover in (tmp_path / "state").glob("orch.db*"):
            leftover.unlink()
        shutil.copy(kept, tmp_path / "state" / "orch.db")
        place.databases.clear()
        place.desk = place.new_desk()
        place.post = type(place.post)(place.connect(), place.master, place.clock)

    def take() -> None:
        kept.unlink(missing_ok=True)
        place.databases[0].execute("VACUUM INTO ?", (str(kept),))

    back_up.take = take  # type: ignore[attr-defined]
    return back_up


def test_who_renewed_after_the_backup_comes_back_by_an_approval(place: Place, restore: Restore, clock: Clock) -> None:
    old = place.enrol("web1")
    place.caller(old)
    restore.take()  # type: ignore[attr-defined]
    renewed = place.desk.renew(place.caller(old), make_csr())
    place.caller(renewed)
    clock.tick(3_600)
    restore()
    with pytest.raises(Unidentified) as unknown:
        place.caller(renewed)
    assert unknown.value.code == "certificate_unknown"
    caller = signed(place, renewed, path="/agent/v1/renew", behind_proxy=False)
    assert caller.recovering and caller.agent.generation == 2
    with pytest.raises(Refused):
        place.desk.renew(caller, make_csr())
    place.desk.registry.approve("web1")
    again = place.desk.renew(signed(place, renewed, path="/agent/v1/renew", nonce="nonce-02", behind_proxy=False),
                             make_csr())
    assert place.caller(again).agent.generation == 3


def test_a_token_of_after_the_backup_is_known_by_the_master_key(place: Place, restore: Restore, clock: Clock) -> None:
    old = place.enrol("web1", token_only=True)
    restore.take()  # type: ignore[attr-defined]
    renewed = place.desk.renew(signed(place, old), None)
    signed(place, renewed, nonce="nonce-02")
    clock.tick(60)
    restore()
    assert signed(place, renewed).agent.generation == 2
    assert ("agent.ahead", "ok", "") in place.audited()
    with pytest.raises(Unidentified):
        signed(place, old, nonce="nonce-03")


def test_a_job_that_was_finished_after_the_backup_is_gone_or_in_the_same_attempt(
    place: Place, restore: Restore, clock: Clock
) -> None:
    """What the store has forgotten the host still knows: by (job, attempt) it sees that it has done this one."""
    caller = place.agent("web1")
    place.post.post(envelope("before"))
    restore.take()  # type: ignore[attr-defined]
    place.post.post(envelope("after"))
    for job in ("before", "after"):
        place.desk.claim(caller, job, 1, "key")
        place.desk.start(caller, job, 1, "key")
    place.desk.finish(caller, "before", 1, "ok", 0, digest_of([]))
    restore()
    orders = place.desk.heartbeat(caller, [Held("after", 1, "key")])
    assert orders.gone == ["after"]
    assert [(offer.job, offer.attempt) for offer in place.desk.offers(caller)] == [("before", 1)]
    with pytest.raises(Conflict):
        place.desk.finish(caller, "before", 1, "ok", 0, digest_of([]))


def test_what_was_begun_after_the_backup_is_taken_up_again_by_its_claimant(place: Place, restore: Restore) -> None:
    """The letter is the same to the byte: by that the host knows that its results belong to it."""
    caller = place.agent("web1")
    place.post.post(envelope("j1"))
    restore.take()  # type: ignore[attr-defined]
    before = place.desk.claim(caller, "j1", 1, "key")
    place.desk.start(caller, "j1", 1, "key")
    restore()
    with pytest.raises(Conflict) as forgotten:
        place.desk.add_events(caller, "j1", 1, 1, heads(), "key")
    assert forgotten.value.code == "job_queued"
    assert place.desk.claim(caller, "j1", 1, "key") == before
    place.desk.start(caller, "j1", 1, "key")
    assert place.desk.add_events(caller, "j1", 1, 1, heads(), "key") == 2
    place.desk.finish(caller, "j1", 1, "ok", 1, digest_of(heads()), 0, "key")
    assert place.post.state_of("j1").state == "finished"


def test_without_its_master_key_a_store_is_not_opened(place: Place, tmp_path: Path) -> None:
    place.enrol("web1")
    key = tmp_path / "state" / "master.key"
    key.rename(tmp_path / "elsewhere")
    for opening in (open_desk, open_post):
        with pytest.raises(UsageError) as refused:
            opening(tmp_path / "state")
        assert refused.value.code == "master_key" and "ORCH_MASTER_KEY_FILE" in str(refused.value.hint)
    assert not key.exists()
    (tmp_path / "elsewhere").rename(key)
    desk = open_desk(tmp_path / "state")
    assert len(desk.registry.listed()) == 1
    desk.database.close()
