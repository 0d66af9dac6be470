"""`orch inventory`: look at hosts, groups and variables without touching a host."""

from __future__ import annotations

import json
from typing import Any

import click

from orchestrator.cli.groups import HELP, NearestGroup
from orchestrator.cli.options import inventory_options


@click.group("inventory", cls=NearestGroup, context_settings=HELP)
def command() -> None:
    """Look at an inventory."""


@command.command("list", epilog="\b\nExample:\n  orch inventory list -i inventory.yml -l web")
@inventory_options()
@click.option("--json", "as_json", is_flag=True, help="In the shape of `ansible-inventory --list`.")
def list_(as_json: bool, **given: Any) -> None:
    """List the hosts, or all of the inventory as JSON."""
    from inventory import listing

    bench = _bench(given)
    if as_json:
        click.echo(json.dumps(listing.as_list(bench.inventory, lambda h: _variables(bench, h)), indent=4, default=str))
        return
    for host in bench.inventory.match("all", given["limit"]):
        click.echo(host)


@command.command("graph", epilog="\b\nExample:\n  orch inventory graph -i inventory.yml web")
@click.argument("group", default="all")
@inventory_options()
def graph(group: str, **given: Any) -> None:
    """Draw GROUP and what is in it as a tree."""
    from inventory import listing

    click.echo(listing.as_graph(_bench(given).inventory, group))


@command.command("host", epilog="\b\nExample:\n  orch inventory host web1 -i inventory.yml")
@click.argument("name")
@inventory_options()
def host(name: str, **given: Any) -> None:
    """Print the variables of a host, resolved, as JSON."""
    bench = _bench(given)
    if name not in bench.inventory.hosts:
        from orchestrator.errors import UsageError

        raise UsageError(f"there is no host {name!r} in the inventory", hint="`orch inventory list` shows them")
    click.echo(json.dumps(_variables(bench, name), indent=4, default=str))


def _bench(given: dict[str, Any]) -> Any:
    from orchestrator.cli.options import run_options, secrets_from
    from orchestrator.engine.setup import prepare

    return prepare(run_options((), given), secrets_from(given))


def _variables(bench: Any, name: str) -> dict[str, Any]:
    """What the inventory says of a host; a value that cannot be rendered yet is shown as written."""
    from orchestrator.engine.effects import plain
    from orchestrator.errors import OrchError

    scope = bench.variables.scope(name)
    found = {}
    for key, raw in bench.variables.host_base(name).items():
        try:
            found[key] = bench.engine.render(raw, scope)
        except OrchError:
            found[key] = plain(raw)
    return found
