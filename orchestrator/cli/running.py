"""What `orch run`, `orch plan` and `orch exec` do with their options: prepare, launch, display."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.options import secrets_from, state_directory, workbench
from orchestrator.cli.staying import staying
from orchestrator.cli.targets import check_targets
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.cli.display import Display
    from orchestrator.engine.launch import ResumePoint
    from orchestrator.engine.setup import Workbench
    from orchestrator.events import RunEnded

MakeDisplay = Callable[[], "Display"]
RUNNING_ALLOCATIONS = 10_000
"""New objects before the garbage collector looks at them while hosts are worked on: about 1 ms each time."""


def run_playbooks(playbooks: tuple[str, ...], given: dict[str, Any], make_display: MakeDisplay | None = None,
                  **overrides: Any) -> int:
    """Run and return the exit code."""
    return launch(workbench(playbooks, given, **overrides), given, make_display=make_display)


def launch(bench: Workbench, given: dict[str, Any], resume: ResumePoint | None = None,
           make_display: MakeDisplay | None = None) -> int:
    """Run what was prepared and return the exit code. Raises `UsageError` for targets that cannot be meant."""
    from orchestrator.cli.display.guarded import Guarded
    from orchestrator.engine import launch as engine

    check_targets(bench)
    stays = staying()
    bench.kept = stays.lines() if stays else None
    runner = asyncio.Runner()
    leaves_lines = False
    display = Guarded(make_display() if make_display else choose_display(given))
    gc.freeze()  # what is loaded by now stays to the end
    gc.set_threshold(RUNNING_ALLOCATIONS)
    try:
        ended: RunEnded = runner.run(engine.launch(
            bench, state_dir=state_directory(), store_url=given.get("store_url"), emit=display.on, resume=resume,
            interactive=sys.stdin.isatty(),
        ))
        leaves_lines = bool(bench.kept and bench.kept.offers)
    finally:
        display.close()
        if not leaves_lines:
            runner.close()
    if stays and bench.kept and leaves_lines:
        stays.hold(runner, bench.kept)
    return ended.exit_code


def choose_display(given: dict[str, Any]) -> Display:
    """JSON lines when asked for, a live view for a person, plain lines for everything else."""
    from orchestrator.cli.display import display_for

    return display_for(as_json=bool(given.get("as_json")), verbosity=int(given.get("verbosity") or 0),
                       diff=bool(given.get("diff")), plain=bool(given.get("plain")))


def resume_run(run_id: str, given: dict[str, Any]) -> int:
    """Go on with a stored run, by its own options; passwords are asked for again where they were asked for."""
    from orchestrator.cli.extra_vars import parse_extra_vars
    from orchestrator.engine.launch import open_store, prepare_resumed, resume_point

    store = open_store(state_directory(), given.get("store_url"))
    try:
        point = resume_point(store, run_id)
    finally:
        store.close()
    if point.options.playbooks and not any(map(os.path.exists, point.options.playbooks)):
        raise UsageError(f"the playbook of run {run_id} is not there any more: {point.options.playbooks[0]}",
                         hint="what `orch exec` ran has no file: run it again")
    secrets = secrets_from(given)
    again = parse_extra_vars(given.get("extra_vars") or (), secrets.vault)
    overrides = {"verbosity": int(given.get("verbosity") or 0), **({"extra_vars": again} if again else {})}
    bench = prepare_resumed(point, secrets, overrides)
    return launch(bench, given, resume=point)


def list_only(playbooks: tuple[str, ...], given: dict[str, Any]) -> int:
    """--syntax-check, --list-hosts, --list-tasks, --list-tags: no host is touched."""
    whole = workbench(playbooks, given)  # all of them first: the faults of all are told together
    for warning in [*check_targets(whole), *whole.warnings]:
        click.echo(f"[WARNING]: {warning}", err=True)
    for name in playbooks:
        click.echo(f"\nplaybook: {name}")
        if not given["syntax_check"]:
            click.echo(_listing(whole if len(playbooks) == 1 else workbench((name,), given), given))
    return 0


def _listing(bench: Workbench, given: dict[str, Any]) -> str:
    from orchestrator.playbook.listing import list_playbook

    assert bench.playbook is not None

    def hosts_of(play: Any) -> list[str]:
        scope = bench.variables.scope(None, play)
        pattern = bench.engine.render(play.hosts, scope, play.origin)
        text = ",".join(pattern) if isinstance(pattern, list) else str(pattern)
        return bench.inventory.match(text, bench.options.limit)

    return list_playbook(
        bench.playbook, hosts_of=hosts_of, hosts=given["list_hosts"], tasks=given["list_tasks"],
        tags=given["list_tags"], only=bench.options.tags, skip=bench.options.skip_tags,
    )
