"""Every playbook that ships is run for real, twice: the second run changes nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.fixtures import LabHosts
from tests.lab.hosts import PASSWORDS
from tests.lab.loopback import LoopbackSshd

ROOT = Path(__file__).resolve().parents[2]
ORCH = Path(sys.executable).with_name("orch")
TIMEOUT_S = 300


def orch(state: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ORCH_STATE_DIR": str(state / "state")}
    return subprocess.run([ORCH, *arguments], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=TIMEOUT_S)


def counts(output: str, name: str) -> list[int]:
    """The numbers of one column of the recap, in the order of the hosts."""
    recap = output.partition("PLAY RECAP")[2]
    return [int(number) for number in re.findall(rf"\b{name}=(\d+)", recap)]


@pytest.fixture
def quickstart_inventory(tmp_path: Path, loopback_sshd: LoopbackSshd) -> Path:
    inventory = tmp_path / "inventory.ini"
    inventory.write_text(f"here ansible_connection=local ansible_python_interpreter={sys.executable}\n"
                         f"{loopback_sshd.inventory(2)}\n[all:vars]\nquickstart_folder={tmp_path}/hosts\n")
    return inventory


@pytest.fixture
def web_inventory(tmp_path: Path, lab_hosts: LabHosts) -> Path:
    hosts = lab_hosts(3, fresh=True)
    password = tmp_path / "become-password"
    password.touch(mode=0o600)
    password.write_text(PASSWORDS["ops"])
    inventory = tmp_path / "inventory.ini"
    inventory.write_text("\n".join(["[web]", *(host.inventory_line("ops") for host in hosts), ""]))
    return inventory


def webserver(tmp_path: Path, inventory: Path) -> tuple[str | Path, ...]:
    return ("run", "playbooks/webserver.yml", "-i", inventory,
            "--become-password-file", tmp_path / "become-password")


def test_quickstart_runs_locally_and_over_ssh(tmp_path: Path, quickstart_inventory: Path) -> None:
    command = ("run", "playbooks/quickstart.yml", "-i", quickstart_inventory)
    first, second = orch(tmp_path, *command), orch(tmp_path, *command)
    assert (first.returncode, second.returncode) == (0, 0), first.stdout + first.stderr + second.stdout
    assert min(counts(first.stdout, "changed")) > 0
    assert counts(second.stdout, "changed") == [0, 0, 0]
    reloads = [(tmp_path / "hosts" / name / "data" / "reloads").read_text() for name in ("here", "host1", "host2")]
    assert reloads == ["reloaded\n"] * 3, "the handler ran once, in the first run alone"
    shown = orch(tmp_path, "runs", "show")
    assert shown.returncode == 0 and "Quickstart" in shown.stdout


def test_webserver_brings_three_hosts_up_and_then_changes_nothing(tmp_path: Path, web_inventory: Path) -> None:
    command = webserver(tmp_path, web_inventory)
    first, second = orch(tmp_path, *command), orch(tmp_path, *command)
    assert (first.returncode, second.returncode) == (0, 0), first.stdout + first.stderr + second.stdout
    assert min(counts(first.stdout, "changed")) > 0
    assert counts(second.stdout, "changed") == [0, 0, 0]
    assert PASSWORDS["ops"] not in first.stdout + first.stderr


def test_quickstart_can_be_planned_on_fresh_hosts(tmp_path: Path, quickstart_inventory: Path) -> None:
    planned = orch(tmp_path, "run", "playbooks/quickstart.yml", "-i", quickstart_inventory, "--check")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert min(counts(planned.stdout, "changed")) > 0
    assert not (tmp_path / "hosts").exists(), "check mode writes nothing"


def test_webserver_can_be_planned_on_fresh_hosts(tmp_path: Path, web_inventory: Path) -> None:
    planned = orch(tmp_path, *webserver(tmp_path, web_inventory), "--check")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert min(counts(planned.stdout, "changed")) > 0
