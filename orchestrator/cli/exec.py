"""`orch exec`: one module, now, on the hosts that match a pattern."""

from __future__ import annotations

import sys
from typing import Any

import click

from orchestrator.cli.groups import HELP
from orchestrator.cli.options import connection_options, inventory_options, output_options


@click.command("exec", context_settings=HELP, epilog="""\b
Examples:
  orch exec all -m ping -i inventory.yml
  orch exec web -a 'uptime' -i inventory.yml
  orch exec 'web:!web3' -m apt -a 'name=curl state=present' -b
  orch exec all -m copy -a '{"src": "motd", "dest": "/etc/motd"}' -b -D

Exit codes: 0 well, 1 error, 2 a host failed, 4 unreachable or a faulty inventory, 5 wrong options, 130 stopped.""")
@click.argument("pattern")
@inventory_options()
@click.option("-m", "--module-name", "module", default="command", show_default=True, metavar="MODULE",
              help="The module to run.")
@click.option("-a", "--args", "args", default="", metavar="ARGS", help="Its arguments: k=v text, or JSON.")
@click.option("-o", "--one-line", is_flag=True, help="One line for each host.")
@click.option("--list-hosts", is_flag=True, help="Only list the hosts that match.")
@connection_options()
@output_options()
def command(pattern: str, module: str, args: str, **given: Any) -> None:
    """Run MODULE on the hosts that match PATTERN."""
    from orchestrator.cli.lean import import_lean

    import_lean()
    from orchestrator.cli.adhoc import run_module

    sys.exit(run_module(pattern, module, args, given))
