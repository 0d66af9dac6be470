"""Plans of the server, by a real worker: what was approved is what is made, once, and only while it still holds."""

from __future__ import annotations

import pytest

from orchestrator.access.rights import Grant, Identity
from orchestrator.refusals import Conflict, NotFound, Refused
from orchestrator.store.paging import PageRequest
from tests.runs.conftest import ADMIN

WRITE = """
- hosts: all
  gather_facts: false
  tasks:
    - {name: write, copy: {dest: "{{ folder }}/{{ inventory_hostname }}-{{ item }}", content: "new"}, loop: [a, b]}
    - {name: count, shell: "echo x >> {{ folder }}/count"}
"""
BOB = Identity("u-bob", "bob", "approver")


@pytest.fixture
def plan_id(site, wait_until) -> str:
    """Of a plan for h1 and h2 that ann has proposed; a worker is there."""
    site.worker()
    site.write("write.yml", WRITE)
    run_id = site.launch("write.yml", kind="plan", extra_vars={"folder": str(site.folder)})
    assert site.wait(run_id).status == "ok"
    wait_until(lambda: site.control.planning.list(ADMIN, PageRequest()).items, "the plan is proposed")
    return run_id


def applied(site, plan_id):
    site.control.planning.approve(BOB, plan_id, reason="", version=1)
    return site.wait(site.control.planning.apply(BOB, plan_id))


def test_what_was_approved_is_made_once(site, plan_id):
    plan = site.control.planning.show(ADMIN, plan_id)
    assert (plan.state, plan.created_by, plan.changes, plan.hosts) == ("proposed", "ann", 4, {"h1": 2, "h2": 2})
    with pytest.raises(Conflict, match="not approved"):
        site.control.planning.apply(BOB, plan_id)
    run = applied(site, plan_id)
    assert (run.status, run.message, run.plan_id) == ("ok", "", plan_id)
    assert (site.folder / "h1-a").read_text() == (site.folder / "h2-b").read_text() == "new"
    assert (site.folder / "count").read_text() == "x\nx\n"
    with pytest.raises(Conflict, match=run.id):
        site.control.planning.apply(BOB, plan_id)


def test_a_plan_that_does_not_hold_changes_nothing(site, plan_id):
    (site.folder / "h1-b").write_text("by hand")
    run = applied(site, plan_id)
    assert run.status == "failed"
    assert "h1 has drifted: 'write' would make another change than planned" in run.message
    assert "h2" not in run.message
    assert not (site.folder / "h2-a").exists() and (site.folder / "h1-b").read_text() == "by hand"
    assert not (site.folder / "count").exists()


def test_content_that_has_changed_is_refused(site, plan_id):
    site.write("write.yml", WRITE.replace("new", "other"))
    run = applied(site, plan_id)
    assert run.status == "failed" and "changed since the plan was made" in run.message
    assert not (site.folder / "h1-a").exists()


def test_the_look_is_no_run_of_its_own_to_those_who_list_runs(site, plan_id):
    run = applied(site, plan_id)
    assert [line.id for line in site.control.runs.list(ADMIN, PageRequest()).items] == [run.id, plan_id]
    assert [one.run_id for one in site.control.history.runs(ADMIN, "h1", PageRequest()).items] == [run.id, plan_id]


def test_slices_apply_each_their_part(site, wait_until):
    site.worker()
    site.write("write.yml", WRITE)
    plan_id = site.launch("write.yml", kind="plan", slices=2, extra_vars={"folder": str(site.folder)})
    site.wait(plan_id)
    wait_until(lambda: site.control.planning.list(ADMIN, PageRequest()).items, "the plan is proposed")
    assert site.control.plans.show(plan_id).hosts == {"h1": 2, "h2": 2}
    run = applied(site, plan_id)
    assert (run.status, run.message) == ("ok", "")
    assert (site.folder / "h1-a").exists() and (site.folder / "h2-a").exists()


def test_who_may_not_see_the_run_sees_no_plan(site, plan_id):
    stranger = Identity("u-eve", "eve", "none")
    assert site.control.planning.list(stranger, PageRequest()).items == []
    with pytest.raises(NotFound):
        site.control.planning.show(stranger, plan_id)


def test_who_may_see_it_may_not_approve_it(site, plan_id):
    for identity in (Identity("u-vic", "vic", "viewer"), Identity("u-oz", "oz", "operator"),
                     Identity("u-gus", "gus", "none", grants=(
                         Grant("playbook", site.project_id, "*", "approver"),
                         Grant("inventory", site.inventory_id, "h1", "approver")))):
        with pytest.raises(Refused) as caught:
            site.control.planning.approve(identity, plan_id, reason="", version=1)
        assert caught.value.code in ("forbidden", "not_found")


def test_what_failed_is_no_plan(site):
    site.worker()
    site.write("bad.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - fail: {msg: no}\n")
    site.wait(site.launch("bad.yml", kind="plan"))
    assert site.control.planning.list(ADMIN, PageRequest()).items == []
