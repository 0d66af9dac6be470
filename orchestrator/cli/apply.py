"""`orch apply`: the changes of a plan, and no others."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.groups import HELP
from orchestrator.cli.options import output_options, vault_options

if TYPE_CHECKING:
    from orchestrator.engine.setup import Workbench
    from orchestrator.plans.prediction import Prediction

EXIT_DRIFTED = 2


@click.command("apply", context_settings=HELP, epilog="""\b
Examples:
  orch plan site.yml --out friday.plan
  orch apply friday.plan
  orch apply friday.plan --skip-drifted      leave out hosts that are not as they were

\b
Exit codes: those of `orch run`; 2 too when a host has drifted and nothing was applied.""")
@click.argument("plan", metavar="PLAN", type=click.Path(path_type=Path))
@click.option("--skip-drifted", is_flag=True, help="Apply it on the hosts for which it holds, and leave the others.")
@click.option("-e", "--extra-vars", multiple=True, metavar="VARS",
              help="Variables that were not stored because their name says that they are secret.")
@click.option("-k", "--ask-pass", is_flag=True, help="Ask for the login password.")
@click.option("-K", "--ask-become-pass", is_flag=True, help="Ask for the become password.")
@click.option("--become-password-file", "--become-pass-file", metavar="FILE", help="File with the become password.")
@click.option("--connection-password-file", "--conn-pass-file", metavar="FILE", help="File with the login password.")
@click.option("-D", "--diff", is_flag=True, help="Show the differences of changed files.")
@vault_options()
@output_options()
def command(plan: Path, skip_drifted: bool, **given: Any) -> None:
    """Make the changes of PLAN, as `orch plan --out` wrote it.

    First everything is looked at once more, without a change: content that is not the plan's is refused, and so is a
    host whose facts or foreseen changes are not what they were. Then the plan is applied.
    """
    from orchestrator.cli.lean import import_lean

    import_lean()
    from orchestrator.cli.extra_vars import parse_extra_vars
    from orchestrator.cli.options import secrets_from
    from orchestrator.cli.running import launch
    from orchestrator.plans.applying import prepare_apply, prepare_plan, what_drifted
    from orchestrator.plans.document import read_plan
    from orchestrator.plans.prediction import Prediction

    document = read_plan(plan)
    secrets = secrets_from(given)
    again = parse_extra_vars(given.get("extra_vars") or (), secrets.vault)
    overrides = {"verbosity": given["verbosity"], **({"extra_vars": again} if again else {})}
    now = Prediction()
    look(prepare_plan(document, secrets, overrides), given, now)
    drift = what_drifted(document, now)
    for host, why in drift.items():
        click.secho(f"{host} has drifted: {why}", fg="yellow", err=True)
    if drift and (not skip_drifted or len(drift) == len(document.hosts)):
        click.secho("Nothing was applied: the plan does not hold any more. Make a new one"
                    + ("." if len(drift) == len(document.hosts) else ", or leave these hosts out with --skip-drifted."),
                    bold=True, err=True)
        sys.exit(EXIT_DRIFTED)
    sys.exit(launch(prepare_apply(document, secrets, {**overrides, "diff": given["diff"]}, drift), given))


def look(bench: Workbench, given: dict[str, Any], now: Prediction) -> None:
    """Run in check mode, in silence; what is seen goes into ``now``."""
    import asyncio

    from orchestrator.cli.options import state_directory
    from orchestrator.engine import launch as engine

    click.echo("looking whether the plan still holds …", err=True)
    asyncio.run(engine.launch(bench, state_dir=state_directory(), store_url=given.get("store_url"), emit=now.on))
