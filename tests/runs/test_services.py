"""Launches, locks, the queue in the store, ends and questions, on both databases; nothing is driven here."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from msgspec import structs

from orchestrator.access.rights import Grant, Identity
from orchestrator.refusals import Conflict, Malformed, NotFound, Refused
from orchestrator.runs.asking import RunFilter
from orchestrator.store.paging import PageRequest
from orchestrator.store.records import now
from tests.runs.conftest import ADMIN

BOB = Identity("u-bob", "bob", "operator")


def ended(site, run_id: str, status: str = "ok", **more) -> None:
    """As its process would leave it."""
    with site.control.books.transaction():
        site.control.runs._runs.change({"status": status, "ended": now(), **more}, '"id" = ?', run_id)


# ---- launches

def test_one_key_is_one_run_however_many_ask_at_once(site):
    found: list[str] = []

    def launch() -> None:
        control = site.open()
        found.append(control.launches.launch(ADMIN, site.request(), "k"))
        control.close()

    threads = [threading.Thread(target=launch) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and len(set(found)) == 1
    with pytest.raises(Conflict, match="was used for another request"):
        site.launch(check=True, key="k")
    assert site.launch(identity=BOB, key="k") not in found  # keys are each user's own


def test_a_launch_is_in_the_audit_trail_and_its_variables_are_sealed(site):
    run_id = site.launch(extra_vars={"colour": "very-secret-blue"})
    (entry,) = site.control.books.audit.entries(action="run.launch")
    assert (entry.actor, entry.subject, entry.detail["playbook"]) == ("ann", run_id, "site.yml")
    for table in ("runs", "launches", "audit"):
        assert "very-secret-blue" not in repr(site.control.books.database.select(f"SELECT * FROM {table}"))
    assert site.control.launches.request_of(run_id).extra_vars == {"colour": "very-secret-blue"}


def test_a_launch_of_the_same_begins_with_all_but_secrets(site):
    given = {"colour": "blue", "api_token": "x", "dsn": "postgres://u:pw@db/x", "nested": {"password": "x"},
             "ok": [1, {}]}
    run_id = site.launch(extra_vars=given, limit="h1", tags=("a",))
    again = site.control.acts.again(ADMIN, run_id)
    assert again.extra_vars == {"colour": "blue", "ok": [1, {}]}
    assert again.withheld == ["api_token", "dsn", "nested"] and again.is_own
    assert not site.control.acts.again(BOB, run_id).is_own
    assert (again.request["limit"], again.request["tags"], "extra_vars" in again.request) == ("h1", ("a",), False)
    with pytest.raises(Refused):
        site.control.acts.again(Identity("u-viewer", "vera", "viewer"), run_id)


def test_a_survey_is_asked_and_its_defaults_are_given(site):
    site.write("site.survey.yml", "- {name: colour, type: choice, choices: [red, blue], default: red}\n"
                                  "- {name: count, type: int, required: true, min: 1}\n")
    with pytest.raises(Malformed) as refused:
        site.launch(extra_vars={"colour": "green"})
    assert sorted(path for path, _ in refused.value.fields) == ["extra_vars.colour", "extra_vars.count"]
    run_id = site.launch(extra_vars={"count": 3})
    assert site.control.launches.request_of(run_id).extra_vars == {"colour": "red", "count": 3}


def test_who_may_launch_by_a_grant_keeps_to_its_hosts(site):
    site.write("hosts.ini", "[web]\nw1\nw2\n[db]\nd1\n")
    site.control.inventories.mirror(site.inventory_id)
    cat = Identity("u-cat", "cat", "none", grants=(
        Grant("inventory", site.inventory_id, "web", "operator"), Grant("playbook", site.project_id, "*", "operator")))
    assert site.run(site.launch(identity=cat, limit="web")).limit == "w1,w2"
    with pytest.raises((NotFound, Refused)):
        site.launch(identity=structs.replace(cat, grants=cat.grants[:1]), limit="web")
    with pytest.raises((NotFound, Refused)):
        site.launch(identity=structs.replace(cat, grants=cat.grants[1:]), limit="web")


# ---- locks

def test_hosts_are_taken_all_or_none_and_again_does_no_harm(site):
    one, two = site.launch(), site.launch()
    locks = site.control.dispatch.locks
    assert locks.take(one, ["b", "a"]) is None and locks.take(one, ["a", "b"]) is None
    other = locks.take(two, ["c", "b"])
    assert other is not None and (other.host, other.run_id) == ("b", one)
    assert locks.all() == {"a": one, "b": one}
    assert locks.release(one) == 2 and locks.take(two, ["c", "b"]) is None


def test_two_that_take_the_same_hosts_at_once_never_both_have_one(site):
    runs = [site.launch() for _ in range(4)]
    got: list[str] = []

    def take(run_id: str, hosts: list[str]) -> None:
        control = site.open()
        if control.dispatch.locks.take(run_id, hosts) is None:
            got.append(run_id)
        control.close()

    hosts = [f"h{number}" for number in range(50)]
    threads = [threading.Thread(target=take, args=(run_id, hosts[::-1] if number % 2 else hosts))
               for number, run_id in enumerate(runs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1 and set(site.control.dispatch.locks.all().values()) == set(got)


# ---- the queue in the store

def test_two_workers_never_claim_one_run(site):
    runs = {site.launch() for _ in range(8)}
    claimed: list[str] = []

    def claim(worker: str) -> None:
        control = site.open()
        control.dispatch.workers.register(worker, "worker", 8)
        for _ in range(4):
            claimed.extend(control.dispatch.take(worker, 2))
        control.close()

    threads = [threading.Thread(target=claim, args=(f"w{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(runs)


def test_the_runs_of_a_silent_worker_go_to_the_living(site):
    dispatch = site.control.dispatch
    dispatch.workers.register("dead", "worker", 4)
    dispatch.workers.register("alive", "worker", 4)
    one, two = site.launch(), site.launch()
    assert set(dispatch.take("dead", 2)) == {one, two}
    with site.control.books.transaction():
        dispatch.workers._table.change({"heartbeat": now() - timedelta(seconds=60)}, '"id" = ?', "dead")
    asked, resumed = [], []

    def pending(workers):
        asked.append(workers)
        return {one: f"{one}:w"}, set()

    found = dispatch.take_over("alive", 4, 12.0, pending, resumed.append)
    assert (asked, resumed, found.requeue) == ([["dead"]], [f"{one}:w"], (two,))
    assert site.run(two).worker_id is None and site.run(one).worker_id == "dead"
    assert {row.id: row.state for row in dispatch.workers.list()} == {"alive": "up", "dead": "dead"}
    assert dispatch.claim(one, "alive") is not None
    assert dispatch.take_over("alive", 4, 12.0, pending, resumed.append).workflows == ()


def test_a_worker_that_wakes_up_does_not_claim_back_what_another_has(site):
    dispatch = site.control.dispatch
    for name in ("woken", "other"):
        dispatch.workers.register(name, "worker", 4)
    run_id = site.launch()
    assert dispatch.take("other", 1) == [run_id]
    assert dispatch.claim(run_id, "woken") is None and site.run(run_id).worker_id == "other"
    dispatch.workers.beat("other", [], "dead")
    assert dispatch.claim(run_id, "woken") is not None and site.run(run_id).worker_id == "woken"


# ---- ends

def test_what_follows_an_end_is_done_once_by_whoever_is_first(site):
    told: list[str] = []
    run_id = site.launch()
    site.control.dispatch.locks.take(run_id, ["a"])
    others = [site.open() for _ in range(3)]
    for control in others:
        control.ends.add(lambda run: told.append(run.id))
    assert others[0].ends.settle_all() == []
    ended(site, run_id)
    threads = [threading.Thread(target=control.ends.settle_all) for control in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [run_id] and site.control.dispatch.locks.all() == {}
    for control in others:
        control.close()


def test_a_hook_that_fails_is_tried_again_and_then_left_out(site):
    calls: list[str] = []
    run_id = site.launch()
    site.control.dispatch.locks.take(run_id, ["a"])

    def writes(run) -> None:
        calls.append("writes")
        site.control.books.audit.write("hook", "hook.wrote", run.id)

    def fails(run) -> None:
        calls.append("fails")
        raise RuntimeError("no")

    site.control.ends.add(writes)
    site.control.ends.add(fails)
    ended(site, run_id)
    assert site.control.ends.settle_all() == [] and site.control.ends.settle_all() == []
    assert site.control.books.audit.entries(action="hook.wrote") == []
    assert site.control.ends.settle_all() == [run_id]
    assert calls == ["writes", "fails"] * 3 + ["writes"]
    assert len(site.control.books.audit.entries(action="hook.wrote")) == 1
    assert site.control.dispatch.locks.all() == {}


# ---- questions

def test_one_sees_runs_by_its_grants_alone(site):
    site.write("hosts.ini", "[web]\nw1\nw2\n[db]\nd1\n")
    site.control.inventories.mirror(site.inventory_id)
    web, mixed = site.launch(limit="web"), site.launch()
    for run_id, hosts in ((web, ["w1", "w2"]), (mixed, ["w1", "d1"])):
        ended(site, run_id, hosts=hosts)
    cat = Identity("u-cat", "cat", "none", grants=(Grant("inventory", site.inventory_id, "web", "viewer"),))
    runs = site.control.runs
    assert [line.id for line in runs.list(cat, PageRequest()).items] == [web]
    assert runs.find(cat, web).id == web
    with pytest.raises(NotFound):
        runs.show(cat, mixed)
    assert len(runs.list(ADMIN, PageRequest()).items) == 2
    assert runs.list(Identity("u-dan", "dan", "none"), PageRequest()).items == []
    with pytest.raises((NotFound, Refused)):
        site.control.acts.cancel(cat, web)
    shares = Identity("u-eve", "eve", "none", grants=(Grant("playbook", site.project_id, "*", "approver"),))
    assert runs.list(shares, PageRequest()).items == [], "what a playbook did on others' hosts is theirs"


def test_whoever_launched_a_run_by_a_grant_takes_it_back_before_its_hosts_are_known(site):
    cat = Identity("u-cat", "cat", "none", grants=(
        Grant("inventory", site.inventory_id, "h1", "operator"), Grant("playbook", site.project_id, "*", "operator")))
    run_id = site.launch(identity=cat)
    with pytest.raises(NotFound):
        site.control.acts.cancel(structs.replace(cat, user_id="u-dan"), run_id)
    with pytest.raises(NotFound):
        site.control.runs.find(structs.replace(cat, grants=cat.grants[1:]), run_id)
    site.control.acts.cancel(cat, run_id)
    assert site.run(run_id).status == "cancelled"
    with pytest.raises(NotFound):
        site.control.acts.resume(cat, run_id)  # that asks for its hosts, and nobody knows them


def test_runs_of_a_user_and_of_a_time(site):
    one = site.launch(identity=BOB)
    site.launch()
    runs = site.control.runs
    assert [line.id for line in runs.list(ADMIN, PageRequest(), RunFilter(user="bob")).items] == [one]
    assert runs.list(ADMIN, PageRequest(), RunFilter(since=now() + timedelta(seconds=60))).items == []
