"""`orch plan`: what a playbook would change, as one summary."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.groups import HELP
from orchestrator.cli.options import DURATION, connection_options, inventory_options, output_options

EXIT_CHANGES = 2


@click.command("plan", context_settings=HELP, epilog="""\b
Examples:
  orch plan site.yml -i inventory.yml
  orch plan site.yml -l web1 && echo 'nothing to do'
  orch plan site.yml --out friday.plan        keep it; orch apply friday.plan makes just these changes

\b
Exit codes:
  0    nothing would change
  1    the plan could not be made: something is missing, or a task failed
  2    something would change
  4    a host could not be reached; or the content has faults
  5    wrong options
  130  stopped""")
@click.argument("playbooks", nargs=-1, required=True, metavar="PLAYBOOK...")
@inventory_options()
@click.option("-t", "--tags", multiple=True, metavar="TAGS", help="Only tasks with one of these tags.")
@click.option("--skip-tags", multiple=True, metavar="TAGS", help="No tasks with one of these tags.")
@connection_options()
@click.option("--out", metavar="FILE", help="Write the plan there, to be applied by `orch apply FILE`.")
@click.option("--valid", type=DURATION, default="24h", show_default=True, metavar="TIME",
              help="How long the written plan may be applied.")
@output_options()
def command(playbooks: tuple[str, ...], **given: Any) -> None:
    """Run PLAYBOOKs in check mode and show every change that would be made. No host is changed.

    A command is not run in check mode, so what it would do cannot be told; it counts as skipped.
    """
    from orchestrator.cli.lean import import_lean

    import_lean()
    from orchestrator.cli.display.plan import JsonPlan, PlanDisplay
    from orchestrator.cli.options import workbench
    from orchestrator.cli.running import launch

    display = JsonPlan(sys.stdout) if given["as_json"] else PlanDisplay()
    bench = workbench(playbooks, given, check=True, diff=True)
    bench.kind = "plan"
    if not given["out"]:
        sys.exit(exit_code(launch(bench, given, make_display=lambda: display), display.changes))
    from orchestrator.cli.display.both import Both
    from orchestrator.plans.applying import plan_of
    from orchestrator.plans.document import write_plan
    from orchestrator.plans.prediction import Prediction

    path, prediction = Path(given["out"]).absolute(), Prediction()
    code = launch(bench, given, make_display=lambda: Both(prediction, display))
    if code == 0:
        write_plan(plan_of(bench, prediction, given["valid"]), path)
        click.echo(f"The plan is in {given['out']}. To make these changes, and no others: orch apply {given['out']}",
                   err=True)
    sys.exit(exit_code(code, display.changes))


def exit_code(code: int, changes: int) -> int:
    """2 is kept for "something would change", so a task that failed makes it 1."""
    if code == 2:
        return 1
    return code or (EXIT_CHANGES if changes else 0)
