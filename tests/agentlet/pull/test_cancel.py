"""Cancelled means that no process is left."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from agentlet import processes
from tests.agentlet.pull.conftest import Host, command
from tests.agentlet.pull.gateway_double import Fault, GatewayDouble, on
from tests.contract.driver import processes_with


def runtime_of(agentlet: int) -> int:
    [found] = [pid for pid in processes.descendants(agentlet)
               if b"runtime" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
               and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1] == str(agentlet)]
    return found


def test_a_cancelled_process_that_ignores_term_is_gone(host: Host, gateway: GatewayDouble, tmp_path: Path) -> None:
    mark, began = f"marked-{time.time_ns()}", tmp_path / "began"
    host.enroll()
    host.run()
    line = f"trap '' TERM; touch {began}; while :; do sleep 0.2; done # {mark}"
    gateway.offer([command(1, line), command(2, f"touch {tmp_path / 'next'}")])
    gateway.await_true(began.exists)
    gateway.order(cancel=["job-1" + gateway.suffix])
    job = gateway.await_finished()
    assert job.finish and job.finish["status"] == "cancelled"
    assert [r["status"] for r in job.results] == ["cancelled"]
    assert not processes_with(mark) and not (tmp_path / "next").exists()


def test_a_runtime_that_does_not_confirm_is_killed_with_all_it_started(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    mark, began = f"marked-{time.time_ns()}", tmp_path / "began"
    host.enroll()
    host.set(cancel_s=1)
    process = host.run()
    gateway.offer([command(1, f"touch {began}; sleep 300 # {mark}")])
    gateway.await_true(began.exists)
    os.kill(runtime_of(process.pid), signal.SIGSTOP)
    gateway.order(cancel=["job-1" + gateway.suffix])
    job = gateway.await_finished()
    assert job.finish and job.finish["status"] == "cancelled"
    assert [r["status"] for r in job.results] == ["cancelled"] and not processes_with(mark)


def test_a_job_that_was_cancelled_before_it_began_never_begins(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    host.enroll()
    gateway.faults.append(on("jobs/job-1/start", Fault(status=503), numbers=()))
    host.run()
    gateway.offer([command(1, f"touch {tmp_path / 'ran'}")])
    gateway.await_true(lambda: gateway.count("jobs/job-1/start"))
    gateway.order(cancel=["job-1" + gateway.suffix])
    job = gateway.await_finished()
    assert job.finish and (job.finish["status"], job.finish["count"]) == ("cancelled", 0)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("again", [False, True], ids=["the agentlet was killed", "its runtime as well"])
@pytest.mark.parametrize("safe", [False, True], ids=["that runs once", "that may run twice"])
def test_what_a_killed_agentlet_left_running_is_gone_before_the_cancel_is_confirmed(
    host: Host, gateway: GatewayDouble, tmp_path: Path, again: bool, safe: bool
) -> None:
    mark, began = f"marked-{time.time_ns()}", tmp_path / "began"
    host.enroll()
    process = host.run()
    gateway.offer([command(1, f"echo >> {began}; sleep 300 # {mark}", retry_safe=safe, receipt=not safe)])
    gateway.await_true(began.exists)
    time.sleep(0.1)  # who the worker is has been written down
    runtime = runtime_of(process.pid)
    host.kill()
    if again:
        os.kill(runtime, signal.SIGKILL)
    assert processes_with(mark)
    gateway.order(cancel=["job-1" + gateway.suffix])
    host.run()
    gateway.await_true(lambda: gateway.jobs["job-1"].finish)
    assert not processes_with(mark)
    job = gateway.await_finished()
    assert job.finish and job.finish["status"] == "cancelled"
    assert [r["status"] for r in job.results] == ["cancelled"] and began.read_text().count("\n") == 1


def test_a_cancel_is_gone_on_with_by_who_starts_after_a_kill(
    host: Host, gateway: GatewayDouble, tmp_path: Path
) -> None:
    """The server is away meanwhile: nobody says it again."""
    mark, began, later = f"marked-{time.time_ns()}", tmp_path / "began", tmp_path / "later"
    host.enroll()
    host.run()
    gateway.offer([command(1, f"trap '' TERM; touch {began}; while :; do sleep 0.2; done # {mark}"),
                   command(2, f"touch {later}")])
    gateway.await_true(began.exists)
    gateway.order(cancel=["job-1" + gateway.suffix])
    host.await_said("is cancelled")
    host.kill()
    gateway.order(cancel=[])
    host.run()
    job = gateway.await_finished()
    assert job.finish and job.finish["status"] == "cancelled"
    assert not processes_with(mark) and not later.exists()
