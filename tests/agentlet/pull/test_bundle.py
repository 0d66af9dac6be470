"""The agentlet's one file: small, the same from the same sources, and with the runtime that other carriers send."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from orchestrator.agents.bundle import build_pyz, runtime_modules
from orchestrator.carriers.payload import BUNDLE
from tests.agentlet.pull.conftest import Host, command
from tests.agentlet.pull.gateway_double import GatewayDouble


def test_the_same_sources_give_the_same_small_file() -> None:
    assert build_pyz() == build_pyz() and len(build_pyz()) < 300_000


def test_it_has_the_runtime_that_goes_over_ssh() -> None:
    assert set(runtime_modules()) == set(BUNDLE)


def test_a_python_that_is_too_old_is_told_so(program: Path) -> None:
    python = next(iter(Path.home().glob(".pyenv/versions/2.7*/bin/python")), None)
    if python is not None:
        done = subprocess.run([python, program, "version"], capture_output=True, text=True)
        assert done.returncode == 1 and "needs Python 3.6" in done.stderr


def test_an_idle_agentlet_takes_20_mib_at_most_and_no_time(host: Host, gateway: GatewayDouble) -> None:
    host.enroll()
    host.set(hold_s=45)
    process = host.run({"MALLOC_ARENA_MAX": "1"})  # as the unit has it
    gateway.await_true(lambda: gateway.count("poll"))
    gateway.await_true(lambda: _stands_still(process.pid))
    assert _rss_kib(process.pid) <= 20 * 1024
    before = _cpu_ticks(process.pid)
    time.sleep(3)
    assert _cpu_ticks(process.pid) - before <= 1
    gateway.offer([command(1, "echo hi")])
    gateway.await_finished()
    assert _rss_kib(process.pid) <= 21 * 1024


def _stands_still(pid: int) -> bool:
    """For half a second: it has begun wholly, however busy this machine is."""
    before = _cpu_ticks(pid)
    time.sleep(0.5)
    return _cpu_ticks(pid) == before


def _rss_kib(pid: int) -> int:
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1])


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
