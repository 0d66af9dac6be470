"""Runs of the server from their launch to their end, by a real worker and its real child processes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from orchestrator.access.rights import Identity
from orchestrator.refusals import Conflict
from orchestrator.runs import feed
from tests.runs.conftest import ADMIN

SLOW = """
- hosts: all
  gather_facts: false
  tasks:
    - name: count
      shell: >-
        echo x >> {{ folder }}/{{ inventory_hostname }}.count; touch {{ folder }}/began;
        for second in $(seq {{ nap }}); do [ -e {{ folder }}/go_on ] && break; sleep 1; done
    - {name: after, shell: "echo x >> {{ folder }}/{{ inventory_hostname }}.after"}
"""


def slow(site, nap: int = 600, **more):
    """Its task takes that many seconds, or until there is a file ``go_on``."""
    site.write("slow.yml", SLOW)
    return site.launch("slow.yml", extra_vars={"folder": str(site.folder), "nap": nap}, **more)


def began(site):
    return (site.folder / "began").exists()


def children_of(worker) -> list[int]:
    return [child.pid for child in worker._driving._children.values()]


def test_a_run_is_launched_driven_and_settled_once(site, wait_until):
    ended = []
    worker = site.worker()
    run_id = site.launch(extra_vars={"colour": "{{ 7 * 7 }}"})
    run = site.wait(run_id)
    assert (run.status, run.hosts, run.message, run.user) == ("ok", ["h1", "h2"], "", "ann")
    assert run.recap["h1"]["ok"] == 2 and run.worker_id == worker.id
    assert sorted(site.results(run_id)) == [("h1", "first", "changed"), ("h1", "said", "ok"),
                                            ("h2", "first", "changed"), ("h2", "said", "ok")]
    said = site.control.runs.result(ADMIN, run_id, "3")
    assert said["values"]["msg"] == "{{ 7 * 7 }}"  # data, and never a template
    wait_until(lambda: not site.control.dispatch.locks.all(), "its hosts are free")
    site.control.ends.add(ended.append)
    assert not site.control.ends.settle(run_id) and ended == []


def test_what_viewers_read_tells_the_whole_story(site):
    site.worker()
    run_id = site.launch()
    site.wait(run_id)
    reading = feed.read(site.control.books.database, run_id, feed.Position())
    kinds = [item.data["kind"] for item in reading.items if item.kind == "event"]
    assert kinds == ["RunStarted", "PlayStarted", "TaskStarted", "TaskStarted", "PlayEnded", "RunEnded"]
    assert sum(item.kind == "result" for item in reading.items) == 4
    assert feed.read(site.control.books.database, run_id, reading.position).is_over


def test_slices_are_runs_of_their_own_and_read_as_one(site):
    site.hosts("h1", "h2", "h3")
    site.worker()
    run_id = site.launch(slices=2)
    run = site.wait(run_id)
    assert run.status == "ok" and sorted(run.recap) == ["h1", "h2", "h3"] and run.slices == 2
    detail = site.control.runs.show(ADMIN, run_id)
    assert [(line.id, line.status) for line in detail.slices] == [(f"{run_id}.0", "ok"), (f"{run_id}.1", "ok")]
    assert detail.counts == {"hosts": 3, "failed": 0, "unreachable": 0, "changed": 3}
    reading = feed.read(site.control.books.database, run_id, feed.Position())
    assert sorted(item.data["host"] for item in reading.items if item.kind == "result") == ["h1", "h1", "h2", "h2",
                                                                                            "h3", "h3"]


def test_content_that_cannot_be_read_ends_the_run_with_its_faults(site):
    site.write("bad.yml", "- hosts: all\n  tasks:\n    - {no_such_module: {}}\n    - {copy: {}}\n")
    site.worker()
    run = site.wait(site.launch("bad.yml"))
    assert run.status == "failed" and "no_such_module" in run.message and "bad.yml:" in run.message


def test_one_run_per_host_unless_allowed(site, wait_until):
    site.worker()
    first = slow(site)
    wait_until(lambda: began(site), "the first is at work")
    second, third = site.launch(), site.launch(allow_concurrent=True)
    assert site.wait(third).status == "ok"
    assert site.run(first).status == "running" and site.run(second).status == "queued"
    wait_until(lambda: site.run(second).message, "it says what it waits for")
    assert site.run(second).message == f"waits for h1, which run {first} has"
    (site.folder / "go_on").touch()
    assert site.wait(first).status == "ok" and site.wait(second).status == "ok"
    assert site.run(second).started > site.run(first).ended


def test_a_cancelled_run_ends_its_tasks(site, wait_until):
    site.worker()
    run_id = slow(site)
    wait_until(lambda: began(site), "it is at work")
    site.control.acts.cancel(ADMIN, run_id)
    assert site.wait(run_id).status == "cancelled"
    assert not (site.folder / "h1.after").exists()


def test_a_waiting_run_is_cancelled_at_once(site):
    run_id = site.launch()
    site.control.acts.cancel(ADMIN, run_id)
    assert site.run(run_id).status == "cancelled"
    site.worker()
    time.sleep(1)
    assert site.run(run_id).status == "cancelled" and site.results(run_id) == []


def test_a_run_whose_time_is_over_is_stopped_and_says_so(site):
    site.worker()
    run = site.wait(slow(site, timeout_s=2))
    assert (run.status, run.message) == ("cancelled", "stopped: its time was over")


def test_a_child_that_is_killed_is_started_again_and_repeats_nothing(site, wait_until):
    worker = site.worker()
    run_id = slow(site, nap=3)
    wait_until(lambda: began(site), "it is at work")
    os.kill(children_of(worker)[0], signal.SIGKILL)
    run = site.wait(run_id)
    assert run.status == "ok" and run.resumes == 1
    assert [(site.folder / f"{host}.{name}").read_text() for host in ("h1", "h2") for name in ("count", "after")] == [
        "x\n"] * 4


def test_a_worker_that_stops_leaves_its_run_and_the_next_start_goes_on(site, wait_until):
    worker = site.worker()
    run_id = slow(site, nap=2)
    wait_until(lambda: began(site), "it is at work")
    worker.stop()
    site.workers.clear()
    assert site.run(run_id).status == "queued" and site.run(run_id).worker_id is None
    again = site.worker()
    assert again.id == worker.id
    run = site.wait(run_id)
    assert run.status == "ok" and run.resumes == 1
    assert (site.folder / "h1.count").read_text() == (site.folder / "h1.after").read_text() == "x\n"


def test_failed_hosts_are_run_again_alone(site):
    site.write("half.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n"
                           "    - {name: half, command: /bin/false, when: inventory_hostname == 'h2'}\n")
    site.worker()
    first = site.launch("half.yml")
    assert site.wait(first).status == "failed"
    again = site.control.acts.rerun_failed(ADMIN, first)
    assert site.wait(again).hosts == ["h2"]
    with pytest.raises(Conflict, match="has no hosts that failed"):
        site.control.acts.rerun_failed(ADMIN, site.wait(site.launch()).id)


def test_a_run_that_failed_goes_on_behind_what_is_done(site):
    gate = site.folder / "gate"
    site.write("gate.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n"
                           f"    - {{name: once, shell: 'echo x >> {site.folder}/once'}}\n"
                           f"    - {{name: gate, command: test -e {gate}}}\n")
    site.worker()
    run_id = site.launch("gate.yml")
    assert site.wait(run_id).status == "failed"
    gate.touch()
    site.control.acts.resume(ADMIN, run_id)
    assert site.wait(run_id, "ok").status == "ok"
    assert (site.folder / "once").read_text() == "x\nx\n"  # one of each host
    with pytest.raises(Conflict, match="nothing to go on with"):
        site.control.acts.resume(ADMIN, run_id)


def test_secrets_are_in_no_column_of_the_store(site):
    site.worker()
    run_id = site.launch(extra_vars={"colour": "plain", "hidden": "s3cr3t-of-a-survey"},
                         identity=Identity("u2", "bob", "operator"))
    site.wait(run_id)
    for table in ("runs", "launches", "events", "task_results", "audit"):
        for row in site.control.books.database.select(f"SELECT * FROM {table}"):
            assert "s3cr3t-of-a-survey" not in repr(row)
    assert site.control.runs.show(ADMIN, run_id).extra_vars == ["colour", "hidden"]


def test_what_failed_before_its_process_died_is_not_tried_again(site, wait_until):
    site.write("fails.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: half\n"
               f"      shell: echo x >> {site.folder}/half; exit 1\n      when: inventory_hostname == 'h2'\n"
               f"    - {{name: slow, shell: 'touch {site.folder}/began; sleep 3'}}\n")
    worker = site.worker()
    run_id = site.launch("fails.yml")
    wait_until(lambda: began(site), "it is at work")
    os.kill(children_of(worker)[0], signal.SIGKILL)
    run = site.wait(run_id)
    assert (run.status, run.resumes) == ("failed", 1)
    assert (site.folder / "half").read_text() == "x\n"
    assert [row for row in site.results(run_id) if row[0] == "h2"] == [("h2", "half", "failed")]


def test_what_a_run_is_handed_is_in_no_argument_and_no_environment(site, wait_until, monkeypatch):
    monkeypatch.setenv("ORCH_STORE", "postgresql://orch:hunter2-of-the-store@127.0.0.1/none")
    monkeypatch.setenv("SOME_API_TOKEN", "hunter2-of-somebody")
    site.write("slow.yml", SLOW + "    - {name: env, shell: 'env; cat /proc/$PPID/environ'}\n")
    worker = site.worker()
    run_id = site.launch("slow.yml", extra_vars={"folder": str(site.folder), "nap": 2, "given": "hunter2-of-a-survey"})
    wait_until(lambda: began(site), "it is at work")
    (child,) = children_of(worker)
    looked = [Path(f"/proc/{child}/{name}").read_bytes() for name in ("cmdline", "environ")]
    assert site.wait(run_id).status == "ok"
    printed = repr(site.control.books.database.select('SELECT "values" FROM task_results'))
    assert "ORCH_STATE_DIR" in printed
    for text in (*map(repr, looked), printed):
        assert "hunter2" not in text
    if site.url:
        assert site.url.partition("@")[0].rpartition(":")[2] not in "".join(map(repr, looked)) + printed
