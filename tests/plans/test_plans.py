"""Plans of the server: each is decided once, by another person, and applied once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import asdict, replace

from orchestrator.access.rights import Identity
from orchestrator.plans.document import PlanDocument
from orchestrator.plans.plans import KEY, LONGEST_REASON, Plans
from orchestrator.plans.prediction import Foreseen, HostPlan
from orchestrator.refusals import Conflict, Malformed, NotFound, Refused, Stale
from orchestrator.store.books import Books
from orchestrator.store.paging import PageRequest
from orchestrator.store.records import RunRecord
from orchestrator.store.settings import StoredSettings
from tests.plans.conftest import NOW

CHANGE = Foreseen("p0/1", "write", "site.yml:1:1", "1" * 64)
ANN, BOB = Identity("1", "ann", "approver"), Identity("2", "bob", "approver")


def document(run_id: str = "r1", changes: int = 1) -> PlanDocument:
    return PlanDocument(
        run_id=run_id, made=NOW, expires=NOW + timedelta(hours=1), playbooks=["/p/site.yml"], cwd="/p", options={},
        content_digest="0" * 64, files={}, hosts={"web1": HostPlan({}, [CHANGE] * changes), "web2": HostPlan()})


def propose(books: Books, of: PlanDocument) -> None:
    with books.transaction():
        Plans(books).propose(of, "ann")


@pytest.fixture
def plans(books: Books) -> Plans:
    """With one that ann proposed."""
    for run_id in ("r1", "r2", "r3"):
        books.table("runs", RunRecord).insert(asdict(RunRecord(id=run_id, kind="plan")))
    made = Plans(books)
    propose(books, document())
    return made


def test_a_proposed_plan_says_what_would_be_changed_where(plans: Plans) -> None:
    plan = plans.show("r1")
    assert (plan.state, plan.changes, plan.hosts, plan.created_by) == ("proposed", 1, {"web1": 1, "web2": 0}, "ann")
    assert plans.document("r1") == document()


def test_another_approves_it_and_it_is_applied_once(plans: Plans, books: Books) -> None:
    assert plans.approve(BOB, "r1", reason="fine", version=1).decided_by == "bob"
    plans.take("r1", "r2", "bob")
    assert (plans.show("r1").state, plans.show("r1").applied_run_id) == ("applied", "r2")
    with pytest.raises(Conflict, match="run r2"):
        plans.take("r1", "r3", "bob")
    assert [entry.action for entry in reversed(books.audit.entries())] == ["plan.propose", "plan.approve", "plan.apply"]


def test_with_four_eyes_nobody_approves_his_own(plans: Plans, books: Books) -> None:
    with books.transaction():
        StoredSettings(books).write(KEY, {"four_eyes": True}, 0, "ann")
    with pytest.raises(Refused) as caught:
        plans.approve(ANN, "r1")
    assert caught.value.code == "plan_own"
    assert plans.approve(BOB, "r1").state == "approved"


def test_a_rejection_says_why_and_is_final(plans: Plans) -> None:
    with pytest.raises(Malformed):
        plans.reject(BOB, "r1", reason="  ")
    with pytest.raises(Malformed):
        plans.reject(BOB, "r1", reason="x" * (LONGEST_REASON + 1))
    assert plans.reject(ANN, "r1", reason="not on a friday").reason == "not on a friday"
    with pytest.raises(Conflict, match="rejected"):
        plans.approve(BOB, "r1")
    with pytest.raises(Conflict, match="not approved"):
        plans.take("r1", "r2", "bob")


def test_what_was_decided_meanwhile_is_seen(plans: Plans) -> None:
    with pytest.raises(Stale):
        plans.approve(BOB, "r1", version=7)


def test_an_old_plan_and_an_empty_one_are_not_applied(plans: Plans, books: Books) -> None:
    propose(books, document("r2", changes=0))
    propose(books, replace(document("r3"), expires=NOW))
    plans.approve(BOB, "r2")
    with pytest.raises(Conflict, match="nothing to change"):
        plans.take("r2", "r1", "bob")
    with pytest.raises(Conflict, match="too old"):
        plans.approve(BOB, "r3")


def test_the_list_can_be_narrowed(plans: Plans, books: Books) -> None:
    propose(books, document("r2"))
    plans.approve(BOB, "r2")
    assert {plan.id for plan in plans.list(PageRequest()).items} == {"r1", "r2"}
    assert [plan.id for plan in plans.list(PageRequest(), state="approved").items] == ["r2"]
    assert [plan.id for plan in plans.list(PageRequest(limit=1), seen=lambda rows: [
        row for row in rows if row.id == "r1"]).items] == ["r1"], "one that is seen is found behind others"
    assert plans.list(PageRequest(), inventories=[]).items == []


def test_an_unknown_plan_is_told(plans: Plans) -> None:
    with pytest.raises(NotFound, match="no plan 'r9'"):
        plans.show("r9")
