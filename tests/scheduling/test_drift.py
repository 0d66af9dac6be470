"""Drift and absence, on both databases: told once, closed when it is right again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.agents.records import Agent
from orchestrator.events import TaskResult
from orchestrator.notify.channels import ChannelDraft
from orchestrator.scheduling.absence import Expected, why_absent
from orchestrator.scheduling.drift import diff_summary
from orchestrator.store import Store
from orchestrator.store.columns import TABLES
from orchestrator.store.paging import PageRequest
from tests.agents.conftest import Clock
from tests.scheduling.conftest import ANN, EVE, MAX, ROOT, Process, Site, draft

PAGE = PageRequest()
HOUR, DAY = 3600, 86_400
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def looked(site: Site, process: Process, schedule_id: str, changed: dict[str, list[str]],
           recap: dict[str, dict[str, int]] | None = None) -> str:
    """A plan of the schedule that has ended: host -> names of the tasks that would change it."""
    run_id = process.schedules.run_now(ANN, schedule_id)
    with Store(site.url) as store:
        for host, names in changed.items():
            for name in names:
                store.record(TaskResult(
                    run_id=run_id, play_id="p", play_name="p", task_id=name, task_name=name, task_origin="site.yml:1:1",
                    module="ansible.builtin.copy", host=host, status="changed", check_mode=True,
                    diff=[{"before": "a\nb\n", "after": "a\nSECRET\nc\n", "after_header": f"/etc/{name}"}]))
    process.end(run_id, recap=recap or {host: {"ok": 1, "changed": len(names)} for host, names in changed.items()})
    return run_id


def state_of(process: Process, host: str) -> tuple[Any, ...]:
    return process.database.select(
        'SELECT "drift_run_id", "drift_changes" FROM host_states WHERE "host" = ?', (host,))[0]


def test_what_a_scheduled_plan_finds_is_kept_per_host_and_over_time(site: Site, process: Process, clock: Clock) -> None:
    process.listen("drift", "drift_over")
    made = process.schedules.create(ANN, draft(kind="plan"))
    first = looked(site, process, made.id, {"web1": ["motd", "ntp"], "web2": []})
    assert state_of(process, "web1") == (first, 2)
    assert state_of(process, "web2") == (first, 0)
    row, = process.drift.now(EVE, PAGE).items
    assert (row.host, row.changes) == ("web1", 2)
    assert row.tasks[0] == {"task": "motd", "module": "ansible.builtin.copy", "diff": "/etc/motd +2 -1"}
    assert "SECRET" not in str(process.database.select("SELECT * FROM drift"))
    assert process.open_alerts() == [f"drift:{made.id}:web1"]
    clock.tick(HOUR)
    looked(site, process, made.id, {"web1": ["motd"], "web2": []})
    clock.tick(HOUR)
    last = looked(site, process, made.id, {"web1": [], "web2": []})
    assert [one.changes for one in process.drift.list(EVE, PAGE, host="web1").items] == [0, 1, 2]
    assert state_of(process, "web1") == (last, 0)
    assert process.open_alerts() == []
    assert process.told() == [("drift", "web1"), ("drift_over", "web1")], "each once"
    assert process.drift.now(EVE, PAGE).items == []
    assert process.drift.list(MAX, PAGE).items == []


def test_a_host_that_was_not_looked_at_to_the_end_is_neither(site: Site, process: Process) -> None:
    made = process.schedules.create(ANN, draft(kind="plan"))
    looked(site, process, made.id, {"web1": ["motd"]},
           {"web1": {"unreachable": 1, "changed": 1}, "web2": {"failed": 1}})
    assert process.drift.list(EVE, PAGE).items == []


def test_what_two_schedules_say_adds_up(site: Site, process: Process, clock: Clock) -> None:
    web = process.schedules.create(ANN, draft("web", kind="plan"))
    base = process.schedules.create(ANN, draft("base", kind="plan"))
    looked(site, process, web.id, {"web1": ["motd"]})
    clock.tick(60)
    looked(site, process, base.id, {"web1": []})
    assert state_of(process, "web1")[1] == 1, "the other one still says so"


@pytest.mark.parametrize("how", ["deleted", "changed to a run"])
def test_a_schedule_that_looks_no_more_leaves_no_drift(site: Site, process: Process, how: str) -> None:
    made = process.schedules.create(ANN, draft(kind="plan"))
    looked(site, process, made.id, {"web1": ["motd"]})
    if how == "deleted":
        process.schedules.delete(ANN, made.id)
    else:
        process.schedules.change(ANN, made.id, draft(), None)
    assert process.open_alerts() == []
    assert state_of(process, "web1")[1] == 0
    assert process.drift.now(EVE, PAGE).items == []


def test_a_run_that_changes_things_is_no_drift(site: Site, process: Process) -> None:
    made = process.schedules.create(ANN, draft())
    looked(site, process, made.id, {"web1": ["motd"]})
    assert process.drift.list(EVE, PAGE).items == []


def test_what_was_found_before_is_written_down_once_a_day(site: Site, process: Process, clock: Clock) -> None:
    made = process.schedules.create(ANN, draft(kind="plan"))
    runs = []
    for _ in range(26):
        runs.append(looked(site, process, made.id, {"web1": ["motd"]}))
        clock.tick(HOUR)
    assert [one.run_id for one in process.drift.list(EVE, PAGE).items] == [runs[24], runs[0]]
    assert state_of(process, "web1") == (runs[-1], 1), "but the last look is known"


def test_old_looks_go_but_the_last_of_each(site: Site, process: Process, clock: Clock) -> None:
    made = process.schedules.create(ANN, draft(kind="plan"))
    for _ in range(3):
        looked(site, process, made.id, {"web1": ["motd"]})
        clock.tick(DAY)
    assert process.drift.forget(clock.now + timedelta(days=1)) == 2
    assert len(process.drift.list(EVE, PAGE).items) == 1


@pytest.mark.parametrize(("diff", "expected"), [
    ([], ""),
    ([{"before": "", "after": "x\n", "after_header": "/a"}], "/a +1 -0"),
    ([{"before": {"mode": "0644", "owner": "root"}, "after": {"mode": "0600", "owner": "root"}}], "mode"),
    ([{"before": 1, "after": None}], ""),
    ([{"before": "a", "after": "b", "before_header": "\x1b[31m/evil\n"}], "[31m/evil +1 -1"),
], ids=["none", "a file", "attributes", "neither", "control characters"])
def test_a_diff_in_a_few_words(diff: list[dict[str, Any]], expected: str) -> None:
    assert diff_summary(diff) == expected


@pytest.mark.parametrize(("expected", "words"), [
    (Expected(None, 300), None),
    (Expected(NOW + timedelta(hours=1), 300), None),
    (Expected(NOW - timedelta(seconds=300), 300), None),
    (Expected(NOW - timedelta(seconds=301), 300), "it was due at 2026-11-21 11:54 UTC, and nobody has looked at it"),
    (Expected(NOW, 300, NOW - timedelta(seconds=299)), None),
    (Expected(NOW, 300, NOW - timedelta(minutes=6)), "its run has waited for a worker since 2026-11-21 11:54 UTC"),
], ids=["no time", "ahead", "within the grace", "nobody looked", "waits", "waits for too long"])
def test_what_is_absent(expected: Expected, words: str | None) -> None:
    assert why_absent(expected, NOW) == words


def test_a_clock_that_hangs_is_told_by_another_process_once(site: Site, clock: Clock) -> None:
    hangs, other, third = site.start(), site.start(), site.start()
    hangs.listen("schedule_missed", "schedule_kept")
    made = hangs.schedules.create(ANN, draft())
    clock.tick(15 * HOUR + 301)
    assert [one.absence.check() for one in (other, third, other)] == [1, 0, 0]
    assert other.told() == [("schedule_missed", "nightly")]
    hangs.clockwork.tick()
    assert other.open_alerts() == [f"schedule_missed:{made.id}"], "its run has not begun"
    run_id, = other.runs()
    write = other.database.write
    other.database.execute('UPDATE runs SET "status" = ?, "heartbeat" = ?, "worker_id" = ? WHERE "id" = ?',
                           ("running", write["time"](clock()), "w", run_id))
    other.absence.check()
    assert other.open_alerts() == []
    assert other.told() == [("schedule_missed", "nightly"), ("schedule_kept", "nightly")]


def test_a_run_that_no_worker_takes_is_told(process: Process, clock: Clock) -> None:
    process.listen("schedule_missed")
    process.schedules.create(ANN, draft())
    clock.tick(15 * HOUR)
    process.clockwork.tick()
    assert process.absence.check() == 0
    clock.tick(301)
    assert process.absence.check() == 1
    assert process.told() == [("schedule_missed", "nightly")]


def test_a_paused_schedule_is_not_missed(process: Process, clock: Clock) -> None:
    made = process.schedules.create(ANN, draft())
    process.schedules.pause(ANN, made.id)
    clock.tick(5 * DAY)
    assert process.absence.check() == 0


def test_how_runs_end_is_told(site: Site, process: Process, clock: Clock) -> None:
    process.listen("run_failed", "run_recovered", "host_lost", "host_back", "run_interrupted")
    made = process.schedules.create(ANN, draft())
    for status, recap in (("failed", {"web1": {"failed": 1}}), ("unreachable", {"web1": {"unreachable": 1}}),
                          ("interrupted", {"web1": {"unreachable": 1}}), ("ok", {"web1": {"ok": 3}}),
                          ("ok", {"web1": {"ok": 3}})):
        process.end(process.schedules.run_now(ANN, made.id), status, recap)
        clock.tick(HOUR)
    assert process.told() == [
        ("run_failed", "schedule nightly"), ("run_failed", "schedule nightly"), ("host_lost", "web1"),
        ("run_interrupted", "schedule nightly"), ("run_recovered", "schedule nightly"), ("host_back", "web1")]


def test_what_flaps_within_minutes_is_told_once(process: Process, clock: Clock) -> None:
    process.listen("run_failed")
    made = process.schedules.create(ANN, draft())
    for _ in range(5):
        process.end(process.schedules.run_now(ANN, made.id), "failed")
        clock.tick(30)
    assert process.told() == [("run_failed", "schedule nightly")]


def payloads(process: Process) -> list[dict[str, Any]]:
    write = [row[0] for row in process.database.select('SELECT "payload" FROM deliveries ORDER BY "id"')]
    return [json.loads(one) if isinstance(one, str) else one for one in write]


def test_many_hosts_are_told_of_in_one_message(site: Site, process: Process, clock: Clock) -> None:
    process.listen("drift", "drift_over", "host_lost", "host_back")
    made = process.schedules.create(ANN, draft(kind="plan"))
    hosts = [f"web{number:02}" for number in range(30)]
    for names, counts in ((["motd"], {"ok": 1}), ([], {"ok": 1}), ([], {"unreachable": 1}), ([], {"ok": 1})):
        looked(site, process, made.id, {host: names for host in hosts}, {host: counts for host in hosts})
        clock.tick(1)
    assert process.told() == [(occasion, "web00 and 29 more") for occasion in
                              ("drift", "drift_over", "host_lost", "host_back")]
    assert len(payloads(process)[0]["lines"]) == 11 and payloads(process)[0]["lines"][-1] == "and 20 more"
    assert process.open_alerts() == []


def test_a_failed_run_says_where_and_why(site: Site, process: Process) -> None:
    process.listen("run_failed")
    made = process.schedules.create(ANN, draft())
    run_id = process.schedules.run_now(ANN, made.id)
    with Store(site.url) as store:
        for host, status, message in (("web1", "failed", "no space left\n<b>on</b> device"), ("web2", "ok", "")):
            store.record(TaskResult(run_id=run_id, play_id="p", play_name="p", task_id="t", task_name="Install",
                                    task_origin="s:1:1", module="apt", host=host, status=status, message=message))
    process.end(run_id, "failed", {"web1": {"failed": 1}, "web2": {"ok": 1}})
    payload, = payloads(process)
    assert (payload["title"], payload["lines"]) == (
        "schedule nightly failed", ["web1: Install: no space left <b>on</b> device"])
    assert (payload["run_id"], payload["schedule_id"]) == (run_id, made.id)


def test_a_dead_man_s_switch_is_pinged_by_its_own_schedule(process: Process) -> None:
    made = process.schedules.create(ANN, draft())
    other = process.schedules.create(ANN, draft("other"))
    process.channels.create(ROOT, ChannelDraft("dead man", "ping", {
        "url": "https://hc.example.com/key", "schedule_ids": [made.id]}, ["run_succeeded", "run_failed"]))
    process.end(process.schedules.run_now(ANN, other.id))
    process.end(process.schedules.run_now(ANN, made.id))
    assert [occasion for occasion, _ in process.told()] == ["run_succeeded"]


def test_an_agentlet_that_falls_silent_is_told_once_and_so_is_its_return(process: Process, clock: Clock) -> None:
    process.listen("agentlet_lost", "agentlet_back")
    empty: dict[str, Any] = {"text": "", "int": 1, "bool": False, "json": {}, "time": None}
    row = {name: empty[kind] for name, kind in TABLES["agents"].items()}
    process.books.table("agents", Agent).insert({
        **row, "id": "a1", "host": "laptop7", "state": "active", "enrolled": clock.now, "last_seen": clock.now})
    assert process.absence.check() == 0
    clock.tick(DAY + 1)
    assert [process.absence.check(), process.absence.check()] == [1, 0]
    process.books.table("agents", Agent).change({"last_seen": clock.now}, '"id" = ?', "a1")
    process.absence.check()
    assert process.told() == [("agentlet_lost", "laptop7"), ("agentlet_back", "laptop7")]
