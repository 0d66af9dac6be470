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
from tests.bench.mixes import PLAIN, TASKS, Mix

__all__ = ["TASKS", "Outcome", "compare", "describe", "run_once"]

HOST_PYTHON = "/usr/bin/python3"
WARM_UP_LIMIT_S = 120
LAST_WORDS = 12
"""Lines of an engine's output that are shown when its work is incomplete."""


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
    mix: str = PLAIN.name

    @property
    def is_complete(self) -> bool:
        return self.cost.exit_code == 0 and self.done == self.hosts


def compare(names: Iterable[str], counts: Iterable[int], timeout_s: float,
            mixes: Iterable[Mix] = (PLAIN,)) -> list[Outcome]:
    """Run every engine with every mix on every number of hosts, the smallest first, each on an sshd of its own."""
    outcomes = []
    for mix in mixes:
        for count in counts:
            for name in names:
                outcome = run_once(ENGINES[name], count, timeout_s, mix)
                outcomes.append(outcome)
                print(describe(outcome), file=sys.stderr, flush=True)
    return outcomes


def warm_up(mix: Mix) -> None:
    """One run of orch that does not count: in a new environment it compiles Python, which is no cost of a run."""
    run_once(ENGINES["orch"], 1, WARM_UP_LIMIT_S, mix)


def run_once(engine: Engine, count: int, timeout_s: float, mix: Mix = PLAIN, *,
             extra: tuple[str, ...] = ()) -> Outcome:
    """One run on ``count`` hosts that are new to the engine. ``extra`` is appended to its command line."""
    with tempfile.TemporaryDirectory(prefix="orch-bench-") as scratch:
        folder = Path(scratch)
        (folder / "hosts").mkdir()
        work = folder / "work"
        shutil.copytree(WORK, work)
        with mix.hosts_side(folder) as (sshd, variables):
            inventory = write_inventories(folder, sshd, count, host_python(), variables, mix.is_through_sudo)
            command = [*engine.command(inventory, work / mix.playbook), *extra]
            cost = measure(command, cwd=work, env=environment(engine, folder / "controller"), log=folder / "log",
                           timeout_s=timeout_s)
            hosts_cpu_s = reaped_cpu_s(sshd.process.pid) if sshd.process else 0.0
        places = {f"host{n}": folder / "hosts" / f"host{n}" for n in range(1, count + 1)}
        faults = {name: mix.faults(place) if engine.does_the_work else [] for name, place in places.items()}
        return Outcome(engine.name, count, cost, hosts_cpu_s, sum(not found for found in faults.values()),
                       _last_words(folder / "log", faults), mix.name)


def describe(outcome: Outcome) -> str:
    cost = outcome.cost
    text = (f"{outcome.mix:5} {outcome.engine:8} {outcome.hosts:4} hosts: {cost.wall_s:7.2f} s wall, "
            f"{cost.cpu_s:7.2f} s CPU, {cost.peak_bytes / 2**20:5.0f} MiB, hosts' CPU {outcome.hosts_cpu_s:6.2f} s")
    if outcome.is_complete:
        return text
    how = "time limit" if cost.exit_code is None else f"exit {cost.exit_code}"
    return f"{text}; INCOMPLETE ({how}, {outcome.done} of {outcome.hosts} hosts done):\n{outcome.last_words}"


def host_python() -> str:
    return HOST_PYTHON if Path(HOST_PYTHON).exists() else sys.executable


def _last_words(log: Path, faults: dict[str, list[str]]) -> str:
    """The end of the engine's output, and the first host whose work is not as it should be."""
    lines = log.read_text(errors="replace").strip().splitlines()[-LAST_WORDS:]
    wrong = next(((host, paths) for host, paths in faults.items() if paths), None)
    if wrong:
        lines.append(f"{wrong[0]} differs at: {', '.join(wrong[1])}")
    return "\n".join(lines)
