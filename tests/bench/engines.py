"""The engines that are compared: how each is told to do the same twenty tasks on the same hosts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.engine import LAB_DIR
from tests.lab.loopback import LoopbackSshd

ROOT = Path(__file__).resolve().parents[2]
WORK = Path(__file__).with_name("work")
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
VENV = LAB_DIR / "bench-venv"
FORKS = 50


@dataclass(frozen=True)
class Engine:
    name: str
    label: str
    command: Callable[[Path, Path], list[str]]
    """(inventory, playbook or None) -> argv"""
    environment: Callable[[Path], dict[str, str]]
    """scratch folder -> what is set besides PATH and HOME"""
    does_the_work: bool = True
    """False for the floor, which does twenty tasks that change nothing."""


def install() -> None:
    """Put the other engines into an environment of their own; nothing is done when it is there as pinned."""
    stamp = VENV / ".requirements"
    if stamp.exists() and stamp.read_text() == REQUIREMENTS.read_text():
        return
    installer = uv()
    subprocess.run([installer, "venv", "--quiet", "--clear", "--python", sys.executable, VENV], check=True)
    python = VENV / "bin" / "python"
    subprocess.run([installer, "pip", "install", "--quiet", "--python", python, "-r", REQUIREMENTS], check=True)
    stamp.write_text(REQUIREMENTS.read_text())


def write_inventories(folder: Path, sshd: LoopbackSshd, count: int, python: str, extra: Mapping[str, str],
                      through_sudo: bool = False) -> Path:
    """An INI inventory for orch and Ansible, beside it those of pyinfra and the floor; returns the first.

    All hosts get ``extra`` as variables.
    """
    places = folder / "hosts"
    lines, rows = [], []
    for host in sshd.hosts(count):
        place = str(places / host.name)
        lines.append(f"{host.name} ansible_host={host.address} place={place} host_label={host.name}")
        rows.append((host.name, {"ssh_hostname": host.address, "place": place, "host_label": host.name}))
    common = {key: value for key, value in sshd.variables().items() if key != "ansible_host"}
    shared = "\n".join(f"{key}={value}" for key, value in {**common, **extra}.items())
    inventory = folder / "inventory.ini"
    inventory.write_text("\n".join(lines) + f"\n\n[all:vars]\nansible_python_interpreter={python}\n{shared}\n")
    login = {"ssh_port": sshd.port, "ssh_user": sshd.user, "ssh_key": str(sshd.key),
             "ssh_known_hosts_file": str(sshd.known_hosts), "ssh_strict_host_key_checking": "yes", **extra}
    (folder / "inventory_pyinfra.py").write_text(f"hosts = ({rows!r}, {login!r})\n")
    floor = {"hosts": [host.address for host in sshd.hosts(count)], "port": sshd.port, "user": sshd.user,
             "key": str(sshd.key), "known_hosts": str(sshd.known_hosts), "python": python, "sudo": through_sudo}
    (folder / "hosts.json").write_text(json.dumps(floor))
    return inventory


def _ansible(inventory: Path, playbook: Path) -> list[str]:
    return [str(VENV / "bin" / "ansible-playbook"), "-i", str(inventory), "-f", str(FORKS), str(playbook)]


def _ansible_environment(scratch: Path) -> dict[str, str]:
    return {"ANSIBLE_PIPELINING": "1", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(scratch / "ansible"),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(scratch / "cp"), "ANSIBLE_DEPRECATION_WARNINGS": "0"}


def _mitogen_environment(scratch: Path) -> dict[str, str]:
    [strategy] = VENV.glob("lib/python*/site-packages/ansible_mitogen/plugins/strategy")
    return {**_ansible_environment(scratch), "ANSIBLE_STRATEGY_PLUGINS": str(strategy),
            "ANSIBLE_STRATEGY": "mitogen_linear"}


def _pyinfra(inventory: Path, playbook: Path) -> list[str]:
    return [str(VENV / "bin" / "pyinfra"), "-y", "--parallel", str(FORKS),
            str(inventory.with_name("inventory_pyinfra.py")), str(playbook.with_name(f"{playbook.stem}_pyinfra.py"))]


def _pyinfra_serial(inventory: Path, playbook: Path) -> list[str]:
    program, *rest = _pyinfra(inventory, playbook)
    return [program, "--serial", *rest]


def _floor(inventory: Path, playbook: Path) -> list[str]:
    return [sys.executable, str(playbook.with_name("bare.py")), str(inventory.with_name("hosts.json"))]


def _orch(inventory: Path, playbook: Path) -> list[str]:
    return [str(Path(sys.executable).with_name("orch")), "run", "-i", str(inventory), str(playbook)]


def _orch_environment(scratch: Path) -> dict[str, str]:
    return {"ORCH_STATE_DIR": str(scratch / "state")}


ENGINES = {
    engine.name: engine
    for engine in (
        Engine("orch", "orch", _orch, _orch_environment),
        Engine("bare", "bare asyncssh: the floor", _floor, lambda scratch: {}, does_the_work=False),
        Engine("pyinfra", "pyinfra", _pyinfra, lambda scratch: {}),
        Engine("pyinfra-serial", "pyinfra, one host after another", _pyinfra_serial, lambda scratch: {}),
        Engine("mitogen", "Ansible, Mitogen", _ansible, _mitogen_environment),
        Engine("ansible", "ansible-core, pipelining", _ansible, _ansible_environment),
    )
}


def environment(engine: Engine, scratch: Path) -> dict[str, str]:
    """A clean environment: nothing of the user's own configuration takes part."""
    scratch.mkdir(parents=True, exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": str(scratch), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
            **engine.environment(scratch)}


def uv() -> str:
    """The path of uv: beside this Python, where `./dev` put it, or on PATH."""
    candidates = [Path(sys.executable).with_name("uv"), ROOT / ".boot" / "bin" / "uv"]
    return next((str(path) for path in candidates if path.exists()), "uv")
