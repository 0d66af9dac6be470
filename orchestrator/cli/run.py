"""`orch run`: playbooks on the hosts of an inventory."""

from __future__ import annotations

import sys
from typing import Any

import click

from orchestrator.cli.groups import HELP
from orchestrator.cli.options import connection_options, inventory_options, output_options


@click.command("run", context_settings=HELP, epilog="""\b
Examples:
  orch run site.yml -i inventory.yml
  orch run site.yml -i web1,web2 -u root -D        two hosts, show differences
  orch run site.yml -l 'web:!web3' -t nginx -C     check mode, some hosts, some tags
  orch run --resume 20260131-093005-7f3a9c51         go on where a run was cut off
  orch run site.yml --detach                       leave what is for hosts that are away in the mailbox

Exit codes: 0 well, 1 error, 2 a host failed, 3 a host is away and its job waits, 4 unreachable or faults in the
content, 5 wrong options, 130 stopped.""")
@click.argument("playbooks", nargs=-1, metavar="PLAYBOOK...")
@inventory_options()
@click.option("-t", "--tags", multiple=True, metavar="TAGS", help="Only tasks with one of these tags.")
@click.option("--skip-tags", multiple=True, metavar="TAGS", help="No tasks with one of these tags.")
@connection_options()
@click.option("--start-at-task", metavar="NAME", help="Begin with the task of this name.")
@click.option("--force-handlers", is_flag=True, help="Run notified handlers even when a task fails.")
@click.option("--flush-cache", is_flag=True, help="Forget cached facts first.")
@click.option("--list-hosts", is_flag=True, help="Only list the hosts that match.")
@click.option("--list-tasks", is_flag=True, help="Only list the tasks that would run.")
@click.option("--list-tags", is_flag=True, help="Only list the tags.")
@click.option("--syntax-check", is_flag=True, help="Only check the playbook.")
@click.option("--detach", is_flag=True, help="Do not wait for hosts that are away: their jobs stay in the mailbox.")
@click.option("--resume", metavar="RUN", help="Go on with a run that was cut off; repeats nothing that has ended.")
@output_options()
def command(playbooks: tuple[str, ...], **given: Any) -> None:
    """Run PLAYBOOKs on the hosts of an inventory."""
    from orchestrator.cli.lean import import_lean

    import_lean()
    from orchestrator.cli.running import list_only, resume_run, run_playbooks

    if given["resume"]:
        sys.exit(resume_run(given["resume"], given))
    if not playbooks:
        raise click.UsageError("Missing argument 'PLAYBOOK...'. For a run that was cut off: orch run --resume RUN")
    if any(given[name] for name in ("list_hosts", "list_tasks", "list_tags", "syntax_check")):
        sys.exit(list_only(playbooks, given))
    sys.exit(run_playbooks(playbooks, given))
