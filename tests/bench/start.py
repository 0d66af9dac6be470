"""What it costs before the first host is spoken to: imports, the command line, the inventory."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.measure import measure, run_cpu_s

ORCH = str(Path(sys.executable).with_name("orch"))
INVENTORY_HOSTS = 10_000
CONNECT_TIMEOUT_S = 60


def help_cpu_s() -> float:
    """CPU seconds of ``orch --help``."""
    with tempfile.TemporaryDirectory() as scratch:
        return run_cpu_s([ORCH, "--help"], env=_environment(scratch), cwd=Path(scratch))


def first_connect_cpu_s() -> float:
    """CPU seconds from the start of ``orch run`` to its first connection; the least disturbed of five."""
    return min(_until_connect() for _ in range(5))


def _until_connect() -> float:
    """A listener of ours stands in for sshd: when it accepts, the program is asked how much it has used."""
    with tempfile.TemporaryDirectory() as scratch, socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(CONNECT_TIMEOUT_S)
        port = listener.getsockname()[1]
        playbook = Path(scratch, "play.yml")
        playbook.write_text("- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.ping:\n")
        Path(scratch, "inventory.ini").write_text(f"first ansible_host=127.0.0.1 ansible_port={port}\n")
        process = subprocess.Popen([ORCH, "run", "-i", "inventory.ini", "play.yml"], cwd=scratch,
                                   env=_environment(scratch), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            listener.accept()[0].close()
            return _on_cpu_s(process.pid)
        finally:
            process.kill()
            process.wait()


def _on_cpu_s(pid: int) -> float:
    """CPU seconds of all threads, by the scheduler's own count in ns (proc(5), schedstat), and of ended children."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def inventory_wall_s(form: str) -> tuple[float, float]:
    """(wall, CPU) seconds to load 10,000 hosts from an inventory in ``form`` (yaml or ini) and match a pattern.

    The start of the program is taken off: it has a budget of its own.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "big").write_text(_INVENTORIES[form]())
        (folder / "small").write_text("web1\n")
        costs = []
        for name, pattern in (("big", "rack7*:&prod:!host77"), ("small", "web1")):
            command = [ORCH, "inventory", "list", "-i", name, "-l", pattern]
            runs = [measure(command, cwd=folder, env=_environment(scratch), log=folder / "log", timeout_s=120)
                    for _ in range(3)]
            if runs[0].exit_code != 0:
                raise RuntimeError(f"orch inventory list: {(folder / 'log').read_text()[-500:]}")
            costs.append((min(run.wall_s for run in runs), min(run.cpu_s for run in runs)))
        (wall, cpu), (base_wall, base_cpu) = costs
        return wall - base_wall, cpu - base_cpu


def _ini() -> str:
    """100 racks of 100 hosts, each with variables of its own."""
    lines = []
    for rack in range(INVENTORY_HOSTS // 100):
        lines.append(f"[rack{rack}]")
        lines += [f"host{n} ansible_host=10.0.{n // 250}.{1 + n % 250} rack_unit={n % 48}"
                  for n in range(rack * 100, rack * 100 + 100)]
    lines += ["[prod:children]", *(f"rack{n}" for n in range(0, 100, 2)), "[prod:vars]", "tier=prod", ""]
    return "\n".join(lines)


def _yaml() -> str:
    lines = ["prod:", "  vars: {tier: prod}", "  children:"]
    for rack in range(INVENTORY_HOSTS // 100):
        lines += [f"    rack{rack}:", "      hosts:"]
        lines += [f"        host{n}: {{ansible_host: 10.0.{n // 250}.{1 + n % 250}, rack_unit: {n % 48}}}"
                  for n in range(rack * 100, rack * 100 + 100)]
    return "\n".join([*lines, ""])


_INVENTORIES = {"ini": _ini, "yaml": _yaml}


def _environment(scratch: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": scratch, "LANG": "C.UTF-8", "ORCH_STATE_DIR": f"{scratch}/state"}
