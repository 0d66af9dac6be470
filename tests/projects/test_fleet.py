"""The fleet: every host once, whoever knows it; what runs and agentlets say of it; and quick however many there are."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.access.rights import Grant
from orchestrator.control.control import Control
from orchestrator.events import TaskResult
from orchestrator.projects.inventory_hosts import NewHost
from orchestrator.projects.run_outcomes import bounded, stats_of, status_of
from orchestrator.refusals import Conflict, Malformed, NotFound, Refused
from orchestrator.runs.records import Run
from orchestrator.store import RunRecord, Store
from orchestrator.store.paging import PageRequest

from .conftest import ADMIN, BY_ROLE, identity

ALL = PageRequest()


@pytest.fixture
def lab(control: Control) -> str:
    made = control.inventories.create(ADMIN, "lab")
    control.inventory_hosts.add(ADMIN, made.id, [NewHost("web1", groups=["web"]), NewHost("web2", groups=["web"]),
                                                 NewHost("db1", groups=["db"])])
    return made.id


def run(control: Control, tmp_path: Path, store_url: str | None, run_id: str, results: list[dict[str, Any]],
        after_s: float = 0, **values: Any) -> None:
    """A run that has ended, as the engine stores it, and what follows its end."""
    store = Store(store_url or str(tmp_path / "state" / "orch.db"))
    store.open()
    started = control.books.clock() + timedelta(seconds=after_s)
    store.start_run(RunRecord(id=run_id, playbooks=["site.yml"], started=started, **values))
    recap: dict[str, dict[str, int]] = {}
    for one in results:
        store.record(TaskResult(run_id=run_id, play_id="p", play_name="", task_id=f"t{len(recap)}", task_origin="",
                                task_name=one.pop("task", "Task"), module=one.pop("module", "debug"), **one))
        counts = recap.setdefault(one["host"], {"ok": 0})
        counts[one["status"]] = counts.get(one["status"], 0) + 1
    store.flush()
    store.finish_run(run_id, "ok", recap)
    store.close()
    ended = control.books.table("runs", Run).find('"id" = ?', run_id)
    assert ended is not None
    with control.books.transaction():
        control.history.update_from_run(ended)


def test_hosts_of_all_inventories_once(control: Control, lab: str) -> None:
    other = control.inventories.create(ADMIN, "other")
    control.inventory_hosts.add(ADMIN, other.id, [NewHost("web1"), NewHost("zeta")])
    found = control.fleet.list(BY_ROLE["viewer"], ALL).items
    assert [(one.host, [name.name for name in one.inventories], one.reach) for one in found] == [
        ("db1", ["lab"], "unknown"), ("web1", ["lab", "other"], "unknown"), ("web2", ["lab"], "unknown"),
        ("zeta", ["other"], "unknown")]
    assert [one.host for one in control.fleet.list(ADMIN, ALL, inventory_id=lab, group="web").items] == ["web1", "web2"]
    assert [one.host for one in control.fleet.list(ADMIN, ALL, search="EB").items] == ["web1", "web2"]
    with pytest.raises(Malformed):
        control.fleet.list(ADMIN, ALL, group="web")


def test_an_enrolled_host_is_in_the_fleet(control: Control) -> None:
    control.desk.office.ca.create()
    token = control.agentlets.invite(ADMIN, "laptop7", {"site": "berlin"}).token
    enrolled = control.desk.enrol(token, None, {
        "token_only": True, "machine_id": "m", "instance_id": "random-instance-of-laptop7", "python": [3, 11, 2],
        "platform": "linux", "facts": {"hostname": "<script>"}, "protocols": [1], "version": "0.1.0"})
    found = control.fleet.show(ADMIN, "laptop7")
    assert (found.reach, found.agent and found.agent.liveness) == ("unknown", "new")
    shown = control.agentlets.show(ADMIN, "laptop7")
    assert shown.facts == {"hostname": "<script>"} and shown.agentlet.labels == {"site": "berlin"}
    assert control.agentlets.list(ADMIN, ALL).items[0].id == enrolled.agent_id
    assert control.agentlets.rotate(ADMIN, "laptop7").renew
    with pytest.raises(Refused):
        control.agentlets.revoke(BY_ROLE["approver"], "laptop7")
    with pytest.raises(NotFound):
        control.agentlets.show(identity("none", Grant("inventory", "x", "web", "operator")), "laptop7")
    assert control.agentlets.revoke(ADMIN, "laptop7").state == "revoked"
    with pytest.raises(Conflict):
        control.agentlets.rotate(ADMIN, "laptop7")
    control.agentlets.remove(ADMIN, enrolled.agent_id)
    assert control.agentlets.list(ADMIN, ALL).items == []


def test_a_run_tells_of_its_hosts(control: Control, lab: str, tmp_path: Path, store_url: str | None) -> None:
    facts = {"ansible_memfree_mb": 100, "ansible_mounts": [{"mount": "/", "size_available": 1 << 30}], "x": "{{ 1 }}"}
    run(control, tmp_path, store_url, "20260101-000001-aaaaaa", [
        {"host": "web1", "status": "ok", "module": "setup", "carrier": "ssh", "values": {"ansible_facts": facts}},
        {"host": "web2", "status": "failed", "task": "Start nginx", "message": "no such unit", "carrier": "ssh"},
        {"host": "db1", "status": "unreachable", "message": "timed out", "carrier": "ssh"}])
    web1, web2, db1 = (control.fleet.show(ADMIN, host) for host in ("web1", "web2", "db1"))
    assert (web1.reach, web1.state.last_status, web1.state.last_carrier) == ("reached", "ok", "ssh")
    assert (web2.reach, web2.state.last_message) == ("reached", "Start nginx: no such unit")
    assert (db1.reach, db1.state.last_ok) == ("unreachable", None) and web1.state.last_ok is not None
    assert control.fleet.facts(ADMIN, "web1") == facts
    assert control.history.stats(ADMIN, "web1", until=control.books.clock() + timedelta(days=1))[0].stats == {
        "memory_free_mib": 100.0, "disk_free_mib": 1024.0}
    counts = control.fleet.counts(ADMIN)
    assert (counts.hosts, counts.online, counts.failing, counts.never_run) == (3, 2, 2, 0)
    assert [one.host for one in control.fleet.list(ADMIN, ALL, status="failing").items] == ["db1", "web2"]
    assert [one.host for one in control.fleet.list(ADMIN, ALL, status="ok").items] == ["web1"]


def test_an_older_run_and_one_in_check_mode_change_nothing(control: Control, lab: str, tmp_path: Path,
                                                           store_url: str | None) -> None:
    run(control, tmp_path, store_url, "20260101-000002-aaaaaa", [{"host": "web1", "status": "ok"}], 60)
    run(control, tmp_path, store_url, "20260101-000001-aaaaaa", [{"host": "web1", "status": "failed"}], 0)
    run(control, tmp_path, store_url, "20260101-000003-aaaaaa", [{"host": "web1", "status": "failed"}], 90,
        check_mode=True)
    assert control.fleet.show(ADMIN, "web1").state.last_status == "ok"


def test_a_failure_that_was_ignored_or_rescued_is_none_in_the_history(control: Control, lab: str, tmp_path: Path,
                                                                      store_url: str | None) -> None:
    run(control, tmp_path, store_url, "20260101-000001-aaaaaa", [
        {"host": "web1", "status": "failed", "ignored": True}, {"host": "web1", "status": "failed", "rescued": True},
        {"host": "web1", "status": "unreachable", "ignored": True}])
    assert control.history.runs(ADMIN, "web1", ALL).items[0].counts == {"ok": 3}


def test_a_hosts_history_is_its_runs_the_newest_first(control: Control, lab: str, tmp_path: Path,
                                                      store_url: str | None) -> None:
    for number in range(5):
        hosts = ["web1", "web2"] if number % 2 else ["web1"]
        run(control, tmp_path, store_url, f"20260101-00000{number}-aaaaaa",
            [{"host": host, "status": "changed"} for host in hosts], number)
    first = control.history.runs(ADMIN, "web1", PageRequest(limit=3))
    rest = control.history.runs(ADMIN, "web1", PageRequest(limit=3, cursor=first.next))
    assert [one.run_id[14] for one in [*first.items, *rest.items]] == ["4", "3", "2", "1", "0"]
    assert rest.next is None and first.items[0].counts == {"changed": 1}
    assert [one.run_id[14] for one in control.history.runs(ADMIN, "web2", ALL).items] == ["3", "1"]
    with pytest.raises(NotFound):
        control.history.runs(identity("none", Grant("inventory", lab, "web", "viewer")), "db1", ALL)


def test_a_host_that_nobody_knows_any_more_is_forgotten(control: Control, lab: str, tmp_path: Path,
                                                        store_url: str | None) -> None:
    run(control, tmp_path, store_url, "20260101-000001-aaaaaa", [{"host": "web1", "status": "ok"}])
    with pytest.raises(Conflict, match="lab"):
        control.fleet.forget(ADMIN, "web1")
    control.inventory_hosts.remove(ADMIN, lab, ["web1"])
    assert control.fleet.show(ADMIN, "web1").inventories == []
    control.fleet.forget(ADMIN, "web1")
    with pytest.raises(NotFound):
        control.fleet.show(ADMIN, "web1")


def test_ten_thousand_hosts_are_paged_quickly(control: Control) -> None:
    made = control.inventories.create(ADMIN, "large")
    write = control.books.database.write
    now = write["time"](control.books.clock())
    with control.books.transaction():
        control.books.database.insert(
            'INSERT INTO inventory_hosts ("inventory_id", "name", "vars", "enabled", "version", "created")'
            " VALUES (?, ?, '{}', ?, 1, ?)", [(made.id, f"host{n:05}", True, now) for n in range(10_000)])
    control.fleet.refresh()
    seen, cursor, took = 0, None, []
    for _ in range(20):
        before = time.perf_counter()
        page = control.fleet.list(ADMIN, PageRequest(limit=200, cursor=cursor))
        took.append(time.perf_counter() - before)
        seen, cursor = seen + len(page.items), page.next
    assert seen == 4_000 and page.items[-1].host == "host03999"
    assert sorted(took)[10] < 1.0, "a page reads by key"
    before = time.perf_counter()
    assert control.fleet.counts(ADMIN).hosts == 10_000
    assert time.perf_counter() - before < 15.0


@pytest.mark.parametrize("counts, status", [
    ({"ok": 3}, "ok"), ({"ok": 3, "changed": 1}, "changed"), ({"failed": 1, "unreachable": 1}, "unreachable"),
    ({"ok": 9, "failed": 1}, "failed"), ({"lost": 1, "failed": 1}, "lost"), ({}, "ok")])
def test_the_word_for_a_recap(counts: dict[str, int], status: str) -> None:
    assert status_of(counts) == status


def test_facts_and_measurements_are_bounded() -> None:
    facts = {"large": "x" * 1000, "small": 1, "other": [1, 2]}
    assert bounded(facts, 100) == {"small": 1, "other": [1, 2]}
    assert stats_of({"ansible_memfree_mb": float("nan"), "ansible_loadavg": {"1m": 0.5}, "ansible_mounts": "x",
                     "ansible_uptime_seconds": True}) == {"load_1m": 0.5}
