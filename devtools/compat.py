"""`./dev compat`: content that nobody here wrote, as the judge.

Takes ansible-core's source distribution from the package index (pinned by hash, kept below .lab, never in the project)
and runs the cases of tests/compat/cases.yml from its integration tests with `orch run`, each on a fresh lab host: exit
status, recap and messages must be what Ansible's were. With --repos, public roles too: two runs, the second without a
change. With --group debops, playbooks of DebOps (from the index as well), twice each on one host. Exit status 1 when a
case fails that docs/compat.md does not name.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from devtools import system
from tests.compat import cases, debops, report, roles, source, state, suite
from tests.compat.hosts import ensure_image
from tests.compat.suite import Outcome
from tests.lab import engine
from tests.lab.engine import LabError


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    names = ["ansible", "orch"] if options.with_ansible else ["orch"]
    try:
        outcomes = _run_all(options, names)
    except (LabError, source.Unavailable) as error:
        print(f"compat: {error}", file=sys.stderr)
        return 1
    rows = report.pairs(outcomes)
    excused = report.excused(report.DOCUMENT.read_text())
    text = "\n".join(report.lines(rows, excused))
    print(f"\n{text}\n\nlogs: {suite.LOGS}")
    if options.json:
        options.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    return report.exit_status(rows, excused)


def _run_all(options: argparse.Namespace, names: list[str]) -> list[Outcome]:
    chosen = cases.select(cases.load(), options.only, options.group or cases.GROUPS)
    playbooks = debops.selected(options.only) if debops.GROUP in (options.group or []) else []
    wanted = [role for role in roles.load() if not options.only or re.search(options.only, role.id)]
    with_roles = options.repos is not None and (not options.group or roles.GROUP in options.group)
    if with_roles or playbooks or any(case.needs_host for case in chosen):
        _need_lab()
    source.ansible_playbook()
    outcomes = suite.run(chosen, names, options.jobs, _tell) if chosen else []
    if with_roles:
        outcomes += _run_roles(wanted, names, options.repos, options.expected)
    elif roles.GROUP in (options.group or []):
        print("compat: the roles need --repos, a folder with their checkouts", file=sys.stderr)
    if playbooks:
        outcomes += debops.run(playbooks, names, _tell)
    return outcomes


def _run_roles(wanted: list[roles.Role], names: list[str], repos: Path, recorded: Path | None) -> list[Outcome]:
    """Each role by Ansible first, when it takes part: what it did to its host is what orch must do."""
    present = roles.available(wanted, repos)
    for role in wanted:
        if role not in present:
            print(f"compat: {role.id} is not run: no {role.checkout} in {repos}", file=sys.stderr)
    outcomes = []
    for role in present:
        file = recorded / f"{role.id}.json" if recorded else None
        expected = state.Expected.load(file) if file and file.exists() else None
        for name in names:
            trial = roles.try_role(role, name, repos, expected)
            if expected is None and trial.outcome.passed:
                expected = state.Expected(frozenset(trial.changes))
            outcomes.append(trial.outcome)
            _tell(trial.outcome)
    return outcomes


def _need_lab() -> None:
    system.install(system.LAB_PACKAGES)
    reason = engine.missing()
    if reason:
        raise LabError(reason)
    ensure_image()


def _tell(outcome: Outcome) -> None:
    result = "pass" if outcome.passed else "fail"
    print(f"{outcome.engine:8} {outcome.id:54} {result:5} {outcome.wall_s:6.1f} s  {outcome.fault[:120]}".rstrip(),
          flush=True)


def _existing_folder(text: str) -> Path:
    path = Path(text).resolve()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no folder")
    return path


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text} is no regular expression: {error}") from None
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev compat", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add: Callable[..., argparse.Action] = parser.add_argument
    add("--only", type=_expression, metavar="REGEX", help="cases whose id contains a match")
    add("--group", action="append", choices=[*cases.GROUPS, roles.GROUP, debops.GROUP],
        help="repeatable (default: all but debops)")
    add("--jobs", type=int, default=2, metavar="N", help="cases side by side (default: %(default)s)")
    add("--with-ansible", action="store_true", help="Ansible runs the same: its times, what its roles did")
    add("--repos", type=_existing_folder, metavar="DIR", help="checkouts of public roles, named OWNER+NAME")
    add("--expected", type=_existing_folder, metavar="DIR", help="recorded changes of the roles, ID.json each")
    add("--json", type=Path, metavar="FILE", help="write the outcomes there, too")
    return parser
