"""`orch plan`: what a playbook would change, as one summary."""

from __future__ import annotations

import sys
from typing import Any

import click

from orchestrator.cli.groups import HELP
from orchestrator.cli.options import connection_options, inventory_options, output_options

EXIT_CHANGES = 2


@click.command("plan", context_settings=HELP, epilog="""\b
Examples:
  orch plan site.yml -i inventory.yml
  orch plan site.yml -l web1 && echo 'nothing to do'

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
@output_options()
def command(playbooks: tuple[str, ...], **given: Any) -> None:
    """Run PLAYBOOKs in check mode and show every change that would be made. No host is changed.

    A command is not run in check mode, so what it would do cannot be told; it counts as skipped.
    """
    from orchestrator.cli.lean import import_lean

    import_lean()
    from orchestrator.cli.display.plan import JsonPlan, PlanDisplay
    from orchestrator.cli.running import run_playbooks

    display = JsonPlan(sys.stdout) if given["as_json"] else PlanDisplay()
    code = run_playbooks(playbooks, given, lambda: display, check=True, diff=True)
    sys.exit(exit_code(code, display.changes))


def exit_code(code: int, changes: int) -> int:
    """2 is kept for "something would change", so a task that failed makes it 1."""
    if code == 2:
        return 1
    return code or (EXIT_CHANGES if changes else 0)
