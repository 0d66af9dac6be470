"""`orch plan`: what a playbook would change, as one summary."""

from __future__ import annotations

import sys
from typing import Any

import click

from orchestrator.cli.groups import HELP
from orchestrator.cli.options import connection_options, inventory_options, output_options


@click.command("plan", context_settings=HELP, epilog="""\b
Examples:
  orch plan site.yml -i inventory.yml
  orch plan site.yml -l web1 && echo 'nothing to do'

Exit codes: 0 nothing would change, 2 something would, 1 error, 4 a host was unreachable.""")
@click.argument("playbooks", nargs=-1, required=True, metavar="PLAYBOOK...")
@inventory_options()
@click.option("-t", "--tags", multiple=True, metavar="TAGS", help="Only tasks with one of these tags.")
@click.option("--skip-tags", multiple=True, metavar="TAGS", help="No tasks with one of these tags.")
@connection_options()
@output_options()
def command(playbooks: tuple[str, ...], **given: Any) -> None:
    """Run PLAYBOOKs in check mode and show every change that would be made."""
    from orchestrator.cli.display.plan import PlanDisplay
    from orchestrator.cli.running import run_playbooks

    display = PlanDisplay()
    code = run_playbooks(playbooks, given, None if given["as_json"] else lambda: display, check=True, diff=True)
    sys.exit(code if code or given["as_json"] else 2 if display.changes else 0)
