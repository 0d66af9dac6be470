"""Public roles: each is run twice on a fresh host, and what it did to the host is compared with what Ansible does.

Their checkouts are not ours to fetch: `--repos` names a folder with one per role, as OWNER+NAME. A role whose checkout
is not there is not run, and that is said.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.compat import engines, state
from tests.compat.hosts import fresh_host
from tests.compat.invocation import NAME, host_variables, inventory_text
from tests.compat.recap import first_error, parse_recap
from tests.compat.suite import LOGS, Outcome, read_output
from tests.compat.verdict import Ended
from tests.lab.hosts import LabHost

FILE = Path(__file__).with_name("roles.yml")
GROUP = "roles"
LIMIT_S = 900


@dataclass(frozen=True)
class Role:
    id: str
    checkout: str
    roles: dict[str, str]
    playbook: str = ""
    play: list[Any] = field(default_factory=list)
    limit_s: float = LIMIT_S
    passing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Trial:
    """One role by one engine: the outcome, and the changes to the host (empty when it failed)."""

    outcome: Outcome
    changes: tuple[str, ...] = ()


def load(path: Path = FILE) -> list[Role]:
    return [Role(**entry) for entry in yaml.safe_load(path.read_text())]


def available(roles: list[Role], repos: Path) -> list[Role]:
    return [role for role in roles if (repos / role.checkout).is_dir()]


def try_role(role: Role, name: str, repos: Path, expected: state.Expected | None = None) -> Trial:
    """Run it twice on a fresh host. ``expected``: the changes that it must have made in the end."""
    with tempfile.TemporaryDirectory(prefix="orch-role-") as folder, fresh_host() as host:
        before = state.read(host)
        playbook = lay_out(role, repos, Path(folder))
        runs = run_twice(role, name, playbook, host)
        changes = tuple(state.changes(before, state.read(host)))
    wrong = fault(runs) or ("; ".join(expected.differences(changes, role.passing)[:3]) if expected else "")
    outcome = Outcome(role.id, GROUP, name, wrong, sum(run.wall_s for run in runs), sum(run.cpu_s for run in runs))
    return Trial(outcome, changes)


def lay_out(role: Role, repos: Path, folder: Path) -> Path:
    """A copy of the checkout in which the playbook finds its roles by name; returns the playbook."""
    copy = folder / "checkout"
    shutil.copytree(repos / role.checkout, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    playbook = copy / (role.playbook or "play-of-the-role.yml")
    if role.play:
        playbook.write_text(yaml.safe_dump(role.play, sort_keys=False))
    beside = playbook.parent / "roles"
    beside.mkdir(exist_ok=True)
    for name, place in role.roles.items():
        if not (beside / name).exists():
            (beside / name).symlink_to((copy / place).resolve())
    return playbook


def run_twice(role: Role, name: str, playbook: Path, host: LabHost) -> list[Ended]:
    """The runs; after a failed one there is no second."""
    scratch = Path(tempfile.mkdtemp(prefix="orch-role-state-"))
    inventory = scratch / "inventory"
    inventory.write_text(inventory_text(host_variables(host.variables()), "servers"))
    copy = playbook.parents[len(Path(role.playbook).parts) - 1] if role.playbook else playbook.parent
    argv = [*engines.ENGINES[name].command(), os.path.relpath(playbook, copy), "-i", str(inventory)]
    env = {**engines.environment(scratch), "MOLECULE_PROJECT_DIRECTORY": str(copy)}
    runs: list[Ended] = []
    try:
        while len(runs) < 2 and all(run.exit == 0 for run in runs):
            log = LOGS / name / f"{role.id}.{len(runs) + 1}.log"
            log.parent.mkdir(parents=True, exist_ok=True)
            runs.append(run_once(argv, copy, env, log, role.limit_s))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return runs


def run_once(argv: list[str], cwd: Path, env: dict[str, str], log: Path, limit_s: float) -> Ended:
    """Connections that an engine keeps for its next run are let be: some roles close the door behind them.

    CPU is that of the processes which ended with the engine.
    """
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   start_new_session=True)
    clock = threading.Timer(limit_s, os.killpg, (process.pid, signal.SIGKILL))
    clock.daemon = True  # it must not outlive a run that is stopped
    clock.start()
    _, status, usage = os.wait4(process.pid, 0)
    clock.cancel()
    wall_s = time.monotonic() - started
    code = os.waitstatus_to_exitcode(status)
    process.returncode = code  # it has been waited for here
    return Ended(None if wall_s >= limit_s else code, read_output(log), wall_s, usage.ru_utime + usage.ru_stime)


def fault(runs: list[Ended]) -> str:
    """What is wrong with the two runs, in one line; empty when both ended well and the second changed nothing."""
    last = runs[-1]
    if last.exit != 0:
        return f"run {len(runs)}: exit {last.exit}: {first_error(last.output)}"
    recap = parse_recap(last.output) or {}
    if NAME not in recap:
        return "no recap"
    changed = recap[NAME]["changed"]
    return f"the second run changed {changed}" if changed else ""
