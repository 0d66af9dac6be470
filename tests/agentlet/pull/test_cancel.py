"""Cancelled means that no process is left."""

from __future__ import annotations

import time
from pathlib import Path

from tests.agentlet.pull.conftest import Host, command
from tests.agentlet.pull.gateway_double import Fault, GatewayDouble, on
from tests.contract.driver import processes_with


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
    import os
    import signal

    from agentlet import processes

    mark, began = f"marked-{time.time_ns()}", tmp_path / "began"
    host.enroll()
    host.set(cancel_s=1)
    process = host.run()
    gateway.offer([command(1, f"touch {began}; sleep 300 # {mark}")])
    gateway.await_true(began.exists)
    [runtime] = [pid for pid in processes.descendants(process.pid)
                 if b"runtime" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                 and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1] == str(process.pid)]
    os.kill(runtime, signal.SIGSTOP)
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
