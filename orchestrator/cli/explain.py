"""`orch explain`: where a value comes from."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli.groups import HELP, NearestGroup
from orchestrator.cli.options import inventory_options


@click.group("explain", cls=NearestGroup, context_settings=HELP)
def command() -> None:
    """Say where a value comes from."""


@command.command("var", epilog="\b\nExample:\n  orch explain var web1 nginx_port -i inventory.yml --playbook site.yml")
@click.argument("host")
@click.argument("name")
@click.option("-p", "--playbook", metavar="PLAYBOOK", help="Also count this playbook's plays and roles.")
@inventory_options()
def var(host: str, name: str, playbook: str | None, **given: Any) -> None:
    """Show every layer that sets variable NAME for HOST, lowest first, and which one wins."""
    from orchestrator.cli.options import run_options, secrets_from
    from orchestrator.engine.effects import plain
    from orchestrator.engine.setup import prepare
    from orchestrator.errors import OrchError, UsageError

    bench = prepare(run_options((playbook,) if playbook else (), given), secrets_from(given))
    if host not in bench.inventory.hosts:
        raise UsageError(f"there is no host {host!r} in the inventory", hint="`orch inventory list` shows them")
    plays = bench.playbook.plays if bench.playbook else [None]
    for play in plays:
        scope = bench.variables.scope(host, play)
        layers = scope.explain(name)
        if play is not None:
            click.echo(click.style(f"play {bench.variables.play_name(play) or play.hosts}", bold=True))
        if not layers:
            click.echo(f"  {name} is not set for {host}")
            continue
        for layer in layers:
            wins = layer is layers[-1]
            mark = click.style("→", fg="green") if wins else " "
            click.echo(f"  {mark} {layer.layer:34} {_shown(plain(layer.value)):40} {layer.origin or ''}".rstrip())
        try:
            click.echo(f"  = {_shown(bench.engine.render(scope.lookup(name), scope))}")
        except OrchError as error:
            click.echo(f"  = cannot be resolved: {error.message}")


def _shown(value: Any) -> str:
    import json

    return json.dumps(value, default=repr, ensure_ascii=False)
