"""DebOps, whose playbooks were written for Ansible by people who know nothing of orch: one host is brought up by them.

Each playbook runs twice, one after the other on the same host, as an operator would run them. The package comes from
the index, pinned by hash (`debops.txt`). Both engines let conditions pass that are no booleans: DebOps has many.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.compat import engines, source, state
from tests.compat.hosts import fresh_host
from tests.compat.invocation import NAME, host_variables, inventory_text
from tests.compat.recap import first_error, parse_recap
from tests.compat.roles import run_once
from tests.compat.suite import LOGS, Outcome
from tests.compat.verdict import Ended
from tests.lab.hosts import LabHost

GROUP = "debops"
LIMIT_S = 900
MAIN_GROUP = "debops_all_hosts"


@dataclass(frozen=True)
class Playbook:
    """``again``: how many tasks Ansible reports as changed in the second run, too."""

    name: str
    again: int = 0

    @property
    def id(self) -> str:
        return f"{GROUP}/{self.name}"


PLAYBOOKS = (
    Playbook("core", again=1), Playbook("cron"), Playbook("logrotate"), Playbook("sysctl"), Playbook("apt"),
    Playbook("users"), Playbook("sshd"), Playbook("nginx"),
)
"""In the order in which they run: `core` comes first, since the others build on the facts that it leaves."""

VARIABLES = {"ferm__enabled": "True", "nginx_status_localhost": "['127.0.0.1/32', '::1/128']"}
"""Said to both engines. DebOps asks the facts for the host's capabilities, which Ansible 2.19 reads wrongly in a
container; and Ansible fails on DebOps' own expression for who may see nginx's status page, which orch evaluates."""

PASSING = ("md5: /etc/ansible/facts.d/cron.fact", "md5: /etc/crontab",
           "md5: /srv/www/sites/localhost/public/index.html")
"""What differs with each run: cron's times are drawn with the clock as the seed, the page's greeting without one."""


def selected(only: str | None) -> list[Playbook]:
    """The playbooks whose id contains a match. `core` is always among them, unless nothing else is."""
    chosen = [playbook for playbook in PLAYBOOKS if not only or re.search(only, playbook.id)]
    return [PLAYBOOKS[0], *(playbook for playbook in chosen if playbook.name != "core")] if chosen else []


def run(playbooks: Sequence[Playbook], names: Sequence[str], tell: Callable[[Outcome], None]) -> list[Outcome]:
    """All of them by each engine. When Ansible takes part, what it did to its host is what orch must do.

    ``tell`` is called with each outcome. Raises `source.Unavailable`.
    """
    outcomes: list[Outcome] = []
    changes: dict[str, list[str]] = {}
    for name in names:
        found, changes[name] = bring_up(playbooks, name, tell)
        outcomes += found
    if changes.keys() >= {"ansible", "orch"}:
        different = state.Expected(frozenset(changes["ansible"])).differences(changes["orch"], PASSING)
        (LOGS / "orch" / "debops.host.log").write_text("".join(f"{entry}\n" for entry in different))
        outcomes.append(Outcome(f"{GROUP}/host", GROUP, "orch", "; ".join(different[:3]), 0.0, 0.0))
        tell(outcomes[-1])
    return outcomes


def bring_up(playbooks: Sequence[Playbook], name: str, tell: Callable[[Outcome], None]
             ) -> tuple[list[Outcome], list[str]]:
    """All of them on one fresh host, and what they changed on it; what comes after a failure runs as well."""
    scratch = Path(tempfile.mkdtemp(prefix="orch-debops-"))
    outcomes = []
    try:
        with fresh_host() as host:
            before = state.read(host)
            lay_out(scratch, host)
            for playbook in playbooks:
                outcomes.append(run_twice(playbook, name, scratch))
                tell(outcomes[-1])
            return outcomes, state.changes(before, state.read(host))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def lay_out(scratch: Path, host: LabHost) -> None:
    """A project of DebOps with the host in its inventory: secrets that roles make are kept in `ansible/secret`."""
    inventory = scratch / "project" / "ansible" / "inventory"
    inventory.mkdir(parents=True)
    text = inventory_text({**host_variables(host.variables()), **VARIABLES}, MAIN_GROUP)
    (inventory / "hosts").write_text(f"{text}\n[debops_service_nginx]\n{NAME}\n")


def run_twice(playbook: Playbook, name: str, scratch: Path) -> Outcome:
    collections = source.debops()
    env = {**engines.environment(scratch), "ANSIBLE_COLLECTIONS_PATH": str(collections),
           "ANSIBLE_ALLOW_BROKEN_CONDITIONALS": "1"}
    path = collections / "ansible_collections/debops/debops/playbooks/service" / f"{playbook.name}.yml"
    argv = [*engines.ENGINES[name].command(), str(path), "-i", "ansible/inventory/hosts"]
    runs: list[Ended] = []
    while len(runs) < 2 and all(run.exit == 0 for run in runs):
        log = LOGS / name / f"debops.{playbook.name}.{len(runs) + 1}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        runs.append(run_once(argv, scratch / "project", env, log, LIMIT_S))
    return Outcome(playbook.id, GROUP, name, fault(playbook, runs),
                   sum(run.wall_s for run in runs), sum(run.cpu_s for run in runs))


def fault(playbook: Playbook, runs: Sequence[Ended]) -> str:
    """What is wrong with the runs, in one line; empty when both ended well and the second changed no more than
    Ansible's second does."""
    last = runs[-1]
    if last.exit != 0:
        return f"run {len(runs)}: exit {last.exit}: {first_error(last.output)}"
    recap = parse_recap(last.output) or {}
    if NAME not in recap:
        return "no recap"
    changed = recap[NAME]["changed"]
    return f"the second run changed {changed}, not {playbook.again}" if changed > playbook.again else ""
