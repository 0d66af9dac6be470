"""Killed at any moment, an agentlet goes on where it was: a task ran once, results are whole, numbers have no gap."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from agentlet import processes, receipts
from tests.agentlet.pull.conftest import Host, command, task
from tests.agentlet.pull.gateway_double import Fault, GatewayDouble, on


def counting(number: int, path: Path, then: str = "", **fields: object) -> dict[str, object]:
    """A task that must run once: it adds a letter to a file."""
    return command(number, f"printf x >> {path}; {then}", **fields)


def kill_everything(host: Host) -> None:
    """As a power cut does it: the runtime and the task go as well."""
    assert host.process
    below = processes.descendants(host.process.pid)
    host.kill()
    for pid in below:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def boot_again(host: Host) -> None:
    """As far as the agentlet can see it."""
    [folder] = host.folders()
    journal = folder / "journal"
    journal.write_text(re.sub(r'"place":"\w+"', '"place":"that of another boot"', journal.read_text()))


def test_a_host_that_booted_again_runs_nothing_before_the_server_has_said_that_the_job_is_its_own(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    count, later = tmp_path / "count", tmp_path / "later"
    host.enroll()
    host.run()
    gateway.offer([counting(1, count, "sleep 60", continue_on_failure=True), counting(2, later)])
    gateway.await_true(count.exists)
    kill_everything(host)
    boot_again(host)
    gateway.faults.append(on("jobs/job-1/resume", Fault(503), numbers=()))
    host.run()
    gateway.await_true(lambda: gateway.count("jobs/job-1/resume") > 2)
    assert not later.exists() and not gateway.jobs["job-1"].results
    gateway.faults.clear()
    job = gateway.await_finished()
    assert [r["status"] for r in job.results] == ["interrupted", "changed"] and count.read_text() == "x"


def test_a_copy_that_the_server_does_not_believe_runs_nothing(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    count, later = tmp_path / "count", tmp_path / "later"
    host.enroll()
    host.run()
    gateway.offer([counting(1, count, "sleep 60", continue_on_failure=True), counting(2, later)])
    gateway.await_true(count.exists)
    kill_everything(host)
    boot_again(host)
    gateway.jobs["job-1"].key = "another's"
    host.run()
    host.await_said("is not wanted any more")
    gateway.await_true(lambda: not host.folders())
    assert not later.exists() and not gateway.jobs["job-1"].results


def test_killed_before_the_task_began(host: Host, gateway: GatewayDouble, tmp_path: Path) -> None:
    count = tmp_path / "count"
    host.enroll()
    # It is claimed, and in the journal; the server does not let it begin.
    gateway.faults.append(on("jobs/job-1/start", Fault(503), numbers=()))
    host.run()
    gateway.offer([counting(1, count)])
    gateway.await_true(lambda: gateway.count("jobs/job-1/start"))
    assert host.folders() and not count.exists()
    host.kill()
    gateway.faults.clear()
    host.run()
    job = gateway.await_finished()
    assert count.read_text() == "x" and [r["status"] for r in job.results] == ["changed"]


@pytest.mark.parametrize("everything", [False, True], ids=["the agentlet alone", "all its processes"])
def test_killed_in_a_task(host: Host, gateway: GatewayDouble, tmp_path: Path, everything: bool) -> None:
    first, count, later = tmp_path / "first", tmp_path / "count", tmp_path / "later"
    host.enroll()
    host.run()
    gateway.offer([counting(1, first), counting(2, count, "sleep 2"), counting(3, later)])
    gateway.await_true(count.exists)
    kill_everything(host) if everything else host.kill()
    host.run()
    job = gateway.await_finished()
    assert first.read_text() == count.read_text() == "x"
    statuses = [(r["task"], r["status"]) for r in job.results]
    if everything:
        assert statuses == [("t1", "changed"), ("t2", "interrupted")] and not later.exists()
        assert job.finish and job.finish["status"] == "interrupted"
    else:
        # The task went on without the agentlet, and its own result is what arrived.
        assert statuses == [("t1", "changed"), ("t2", "changed"), ("t3", "changed")]
        assert later.read_text() == "x"


def is_told(gateway: GatewayDouble, job: str) -> bool:
    """The agentlet knows, and has told, that the task began: a death before that can be blamed on nothing."""
    return '"started"' in "".join(gateway.jobs[job].heads)


def blamed(host: Host) -> list[int]:
    path = host.state / "quarantine.json"
    return [entry["count"] for entry in json.loads(path.read_text()).values()] if path.exists() else []


@pytest.mark.parametrize("safe", [False, True], ids=["that runs once", "that may run twice"])
def test_killed_twice_within_a_task_it_has_the_tasks_own_result(
    host: Host, gateway: GatewayDouble, tmp_path: Path, safe: bool
) -> None:
    """Nothing runs twice at a time, and who came to a good end is not held for what killed the agentlet."""
    count, gate = tmp_path / "count", tmp_path / "gate"
    host.enroll()
    host.run()
    one = counting(1, count, f"while [ ! -e {gate} ]; do sleep 0.05; done", retry_safe=safe, receipt=not safe)
    gateway.offer([one])
    gateway.await_true(lambda: count.exists() and is_told(gateway, "job-1"))
    for times in (1, 2):
        host.kill()
        host.run()
        gateway.await_true(lambda times=times: blamed(host) == [times])
    gate.touch()
    job = gateway.await_finished()
    assert [r["status"] for r in job.results] == ["changed"] and count.read_text() == "x"
    gateway.offer([one], "job-2")
    assert [r["status"] for r in gateway.await_finished("job-2").results] == ["changed"]


def test_killed_with_all_its_processes_twice_the_receipt_is_asked_first(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    """The task is blamed for two deaths: it is not run again; but that it had begun is the answer, not a refusal."""
    count = tmp_path / "count"
    host.enroll()
    host.run()
    gateway.offer([counting(1, count, "sleep 60", continue_on_failure=True)], "job-0")
    gateway.await_true(lambda: count.exists() and is_told(gateway, "job-0"))
    kill_everything(host)
    host.run()
    assert [r["status"] for r in gateway.await_finished("job-0").results] == ["interrupted"]
    gateway.offer([counting(1, count, "sleep 60", continue_on_failure=True)])
    gateway.await_true(lambda: count.read_text() == "xx" and is_told(gateway, "job-1"))
    kill_everything(host)
    host.run()
    assert [r["status"] for r in gateway.await_finished().results] == ["interrupted"]
    gateway.offer([counting(1, count, "sleep 60", continue_on_failure=True)], "job-2")
    assert [r["error"]["code"] for r in gateway.await_finished("job-2").results] == ["quarantined"]
    assert count.read_text() == "xx"


def test_without_a_receipt_what_had_begun_is_interrupted_and_not_run_again(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    host.enroll()
    host.run()
    gateway.offer([counting(1, count, "sleep 60")])
    gateway.await_true(lambda: count.exists() and is_told(gateway, "job-1"))
    kill_everything(host)
    directory = receipts.default_directory(os.geteuid(), os.environ["HOME"])
    receipts.remove(directory, "job-1" + gateway.suffix, 1)
    host.run()
    job = gateway.await_finished()
    assert [(r["status"], r["error"]["code"]) for r in job.results] == [("interrupted", "interrupted")]
    assert count.read_text() == "x"


def test_killed_after_the_task_and_before_its_result_was_delivered(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    host.enroll()
    gateway.faults.append(on("jobs/job-1/events", Fault(), numbers=()))
    host.run()
    gateway.offer([counting(1, count)])
    gateway.await_true(lambda: [path for path in host.folders() if '"finished"' in (path / "journal").read_text()])
    host.kill()
    gateway.faults.clear()
    host.run()
    job = gateway.await_finished()
    assert count.read_text() == "x" and len(job.results) == 1


@pytest.mark.parametrize("verb", ["events", "finish"])
def test_killed_when_the_server_has_stored_and_its_answer_was_lost(
    host: Host, gateway: GatewayDouble, tmp_path: Path, verb: str
) -> None:
    count = tmp_path / "count"
    host.enroll()
    gateway.faults.append(on(f"jobs/job-1/{verb}", Fault(after=True), numbers=()))
    host.run()
    gateway.offer([counting(1, count)])
    gateway.await_true(lambda: gateway.count(f"jobs/job-1/{verb}") >= 1 and gateway.jobs["job-1"].heads)
    time.sleep(0.3)
    host.kill()
    gateway.faults.clear()
    host.run()
    job = gateway.await_finished()
    assert count.read_text() == "x" and len(job.results) == 1
    gateway.await_true(lambda: not host.folders())


def test_an_attempt_that_was_delivered_never_runs_again(host: Host, gateway: GatewayDouble, tmp_path: Path) -> None:
    count = tmp_path / "count"
    host.enroll()
    host.run()
    gateway.offer([counting(1, count)])
    gateway.await_finished()
    gateway.await_true(lambda: not host.folders())
    # The server's store was restored from a backup, and offers it anew.
    for restart in (False, True):
        if restart:
            host.kill()
            host.run()
        job = gateway.offer([counting(1, count)])
        gateway.await_finished()
        assert job.results[0]["error"]["code"] == "envelope_older_attempt"
        assert count.read_text() == "x"
    # … or lets the lease of a claim lapse whose job has begun since, and counts the attempt up.
    job = gateway.offer([counting(1, count)], attempt=2)
    gateway.await_finished()
    assert job.results[0]["error"]["code"] == "envelope_begun_before" and count.read_text() == "x"
    gateway.offer([counting(1, count, retry_safe=True, receipt=False)], attempt=3)
    gateway.await_finished()
    assert count.read_text() == "xx"


def test_told_to_stop_it_leaves_the_task_alone_and_goes_on_later(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    count, gate = tmp_path / "count", tmp_path / "gate"
    host.enroll()
    host.run()
    gateway.offer([counting(1, count, f"while [ ! -e {gate} ]; do sleep 0.05; done")])
    gateway.await_true(count.exists)
    assert host.kill(signal.SIGTERM) == 0
    gate.touch()
    host.run()
    assert [r["status"] for r in gateway.await_finished().results] == ["changed"]
    assert count.read_text() == "x" and not (host.state / "quarantine.json").exists()


def test_a_task_that_killed_the_agentlet_twice_is_not_run_a_third_time(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    host.enroll()
    host.run()
    gateway.offer([counting(1, count, "sleep 60", retry_safe=True), task(2, "command", {"_raw_params": "true"})])
    for times in (1, 2):
        gateway.await_true(lambda times=times: count.exists() and len(count.read_text()) == times)
        kill_everything(host)
        host.run()
    job = gateway.await_finished()
    assert [(r["task"], r["error"]["code"]) for r in job.results] == [("t1", "quarantined")]
    # So it is in another job, a day long; what is not the same task runs.
    other = gateway.offer([counting(1, count, "sleep 60", retry_safe=True, continue_on_failure=True),
                           counting(2, tmp_path / "other")], "job-2")
    gateway.await_finished("job-2")
    assert [(r["error"] or {}).get("code") for r in other.results] == ["quarantined", None]
    assert count.read_text() == "xx"


def test_a_runtime_that_is_killed_is_replaced_and_the_task_is_interrupted(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    host.enroll()
    process = host.run()
    gateway.offer([counting(1, count, "sleep 30", continue_on_failure=True), counting(2, tmp_path / "next")])
    gateway.await_true(count.exists)
    for pid in processes.descendants(process.pid):
        os.kill(pid, signal.SIGKILL)
    job = gateway.await_finished()
    assert [r["status"] for r in job.results] == ["interrupted", "changed"] and count.read_text() == "x"
    assert (tmp_path / "next").exists()


def test_a_job_that_makes_the_agentlet_too_large_is_stopped_and_says_so(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    host.enroll()
    host.set(guard_rss_bytes=1, guard_s=0.5)
    host.run()
    gateway.offer([counting(1, count, "sleep 60")])
    job = gateway.await_finished()
    assert [r["status"] for r in job.results] == ["interrupted"] and count.read_text() == "x"
    gateway.await_true(lambda: any("the agentlet took more than" in line for line in gateway.logs))
