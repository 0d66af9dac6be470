"""The same twenty tasks through each engine, on fresh hosts each time: costs, and whether all did the same work."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.engines import ENGINES, WORK, Engine, environment, write_inventories
from tests.bench.measure import Cost, measure, reaped_cpu_s
from tests.lab.loopback import LoopbackSshd

HOST_PYTHON = "/usr/bin/python3"
TASKS = 20


@dataclass(frozen=True)
class Outcome:
    engine: str
    hosts: int
    cost: Cost
    hosts_cpu_s: float
    """CPU of the sessions below sshd: connecting, runtimes, tasks."""
    done: int
    """Hosts on which the work is complete, byte for byte."""
    last_words: str

    @property
    def is_complete(self) -> bool:
        return self.cost.exit_code == 0 and self.done == self.hosts


def compare(names: Iterable[str], counts: Iterable[int], timeout_s: float) -> list[Outcome]:
    """Run every engine on every number of hosts, the smallest first, each on an sshd of its own."""
    outcomes = []
    for count in counts:
        for name in names:
            outcome = run_once(ENGINES[name], count, timeout_s)
            outcomes.append(outcome)
            print(describe(outcome), file=sys.stderr, flush=True)
    return outcomes


def run_once(engine: Engine, count: int, timeout_s: float, *, extra: tuple[str, ...] = ()) -> Outcome:
    """One run on ``count`` hosts that are new to the engine. ``extra`` is appended to its command line."""
    with tempfile.TemporaryDirectory(prefix="orch-bench-") as scratch, LoopbackSshd() as sshd:
        folder = Path(scratch)
        (folder / "hosts").mkdir()
        work = folder / "work"
        shutil.copytree(WORK, work)
        inventory = write_inventories(folder, sshd, count, host_python())
        command = [*engine.command(inventory, work / "twenty.yml"), *extra]
        cost = measure(command, cwd=work, env=environment(engine, folder / "controller"), log=folder / "log",
                       timeout_s=timeout_s)
        hosts_cpu_s = reaped_cpu_s(sshd.process.pid) if sshd.process else 0.0
        done = sum(is_complete(folder / "hosts" / f"host{n}") for n in range(1, count + 1))
        words = (folder / "log").read_text(errors="replace").strip().splitlines()
        return Outcome(engine.name, count, cost, hosts_cpu_s, done, "\n".join(words[-12:]))


def is_complete(place: Path) -> bool:
    """True when the twenty tasks left exactly what they should on this host."""
    return place.is_dir() and _without_last_newlines(_tree(place)) == _without_last_newlines(_expected(place.name))


def describe(outcome: Outcome) -> str:
    cost = outcome.cost
    text = (f"{outcome.engine:8} {outcome.hosts:4} hosts: {cost.wall_s:7.2f} s wall, {cost.cpu_s:7.2f} s CPU, "
            f"{cost.peak_bytes / 2**20:5.0f} MiB, hosts' CPU {outcome.hosts_cpu_s:6.2f} s")
    if outcome.is_complete:
        return text
    how = "time limit" if cost.exit_code is None else f"exit {cost.exit_code}"
    return f"{text}; INCOMPLETE ({how}, {outcome.done} of {outcome.hosts} hosts done):\n{outcome.last_words}"


def host_python() -> str:
    return HOST_PYTHON if Path(HOST_PYTHON).exists() else sys.executable


Tree = dict[str, tuple[str, str]]
"""Path below the host's folder -> (mode, content or link target)."""


def _tree(place: Path) -> Tree:
    tree: Tree = {}
    for path in place.rglob("*"):
        name = str(path.relative_to(place))
        if path.is_symlink():
            tree[name] = ("link", path.readlink().name)
        else:
            mode = oct(path.stat().st_mode & 0o777)
            tree[name] = (mode, "" if path.is_dir() else path.read_text(errors="replace"))
    return tree


def _expected(label: str) -> Tree:
    workers = "".join(f"worker{n} = {9000 + n}; " for n in range(10))
    return {
        "etc": ("0o750", ""), "log": ("0o755", ""), "current": ("link", "app.conf"),
        "etc/base.conf": ("0o644", "alpha = 1\nbeta = 20\nGAMMA = 3\ndelta = 4\n"),
        "motd": ("0o640", "plain text\n"), "count": ("0o644", "3\n"), "log/first": ("0o640", "plain text\n"),
        "etc/app.conf": ("0o644", f"# written for {label}\n{workers}"),
        "etc/env": ("0o600", f"HOST={label}\nMODE=bench\n"), "summary": ("0o644", "Linux 2\n"),
    }


def _without_last_newlines(tree: Tree) -> Tree:
    """pyinfra and Ansible differ on the white space at the end of a template."""
    return {name: (mode, content.rstrip()) for name, (mode, content) in tree.items()}
