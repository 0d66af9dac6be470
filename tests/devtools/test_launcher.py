"""`./dev` starts on any Python from 3.6 on, explains itself, and counts what a command costs to the last orphan."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from devtools import system
from tests.bench.measure import measure

ROOT = Path(__file__).resolve().parents[2]
BURN = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
BURN_AND_HANG = f"{BURN}\ntime.sleep(600)"


def dev(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, ROOT / "dev", *arguments], capture_output=True, text=True, timeout=120)


def test_the_launcher_parses_as_python_3_6() -> None:
    ast.parse((ROOT / "dev").read_text(), feature_version=(3, 6))


@pytest.mark.parametrize("command", ["--help", "demo --help", "test --help", "check --help", "bench --help",
                                     "compat --help", "lab --help"])
def test_every_command_explains_itself(command: str) -> None:
    done = dev(*command.split())
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout


def test_an_unknown_command_is_named_with_those_there_are() -> None:
    done = dev("tset")
    assert done.returncode != 0
    assert "tset" in done.stderr and "bench, chaos, check, compat, demo, lab, test" in done.stderr


def test_continuous_integration_calls_what_everyone_calls() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert "exec ./dev test" in script
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_packages_are_looked_for_by_what_they_bring() -> None:
    assert system.absent({"there": "/usr/bin", "not-there": "/no/such/path", "gone": "no-such-program"}) == [
        "not-there", "gone"]


@pytest.mark.parametrize(("script", "least_cpu_s"), [
    pytest.param(f"python -c '{BURN}'", 0.25, id="a child"),
    pytest.param(f"python -c '{BURN}' & wait; python -c '{BURN}'", 0.5, id="two children"),
    pytest.param(f"setsid sh -c \"python -c '{BURN_AND_HANG}'\" & sleep 2", 0.25, id="one that hangs on as an orphan"),
])
def test_the_cpu_of_every_descendant_is_counted(tmp_path: Path, script: str, least_cpu_s: float) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    cost = measure(["sh", "-c", script], cwd=tmp_path, env={"PATH": path}, log=tmp_path / "log", timeout_s=60)
    assert cost.exit_code == 0, (tmp_path / "log").read_text()
    assert cost.cpu_s >= least_cpu_s
    assert cost.peak_bytes > 0 and cost.main_bytes > 0


def test_a_command_that_never_ends_is_ended(tmp_path: Path) -> None:
    cost = measure(["sleep", "600"], cwd=tmp_path, env=dict(os.environ), log=tmp_path / "log", timeout_s=0.5)
    assert cost.exit_code is None
