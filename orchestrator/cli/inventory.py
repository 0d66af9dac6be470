"""`orch inventory`: look at hosts, groups and variables without touching a host."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.groups import HELP, NearestGroup
from orchestrator.cli.options import inventory_options

if TYPE_CHECKING:
    from orchestrator.engine.setup import Workbench


@click.group("inventory", cls=NearestGroup, context_settings=HELP, epilog="""\b
Examples:
  orch inventory graph -i inventory.yml
  orch inventory list -i inventory.yml -l 'web:!web3'
  orch inventory host web1 -i inventory.yml""")
def command() -> None:
    """Look at an inventory: its hosts, its groups, the variables of a host. No host is touched."""


@command.command("list", context_settings=HELP, epilog="""\b
Examples:
  orch inventory list -i inventory.yml -l web      one host a line
  orch inventory list -i inventory.yml --json      groups, hosts and variables""")
@inventory_options()
@click.option("--json", "as_json", is_flag=True, help="All of it, in the shape of `ansible-inventory --list`.")
def list_(as_json: bool, **given: Any) -> None:
    """List the hosts, or all of the inventory as JSON with values as they are written."""
    from inventory import listing

    bench = _bench(given)
    if as_json:
        _print(listing.as_list(bench.inventory, lambda host: _written(bench, host)))
        return
    for host in bench.inventory.match("all", given["limit"]):
        click.echo(host)


@command.command("graph", context_settings=HELP, epilog="""\b
Examples:
  orch inventory graph -i inventory.yml
  orch inventory graph -i inventory.yml web --vars""")
@click.argument("group", default="all")
@click.option("--vars", "with_vars", is_flag=True, help="Show the variables of hosts and groups as well.")
@inventory_options()
def graph(group: str, with_vars: bool, **given: Any) -> None:
    """Draw GROUP (all of them when none is named) and what is in it as a tree."""
    from inventory import listing

    bench = _bench(given)
    _exists("group", group, bench.inventory.groups)
    click.echo(listing.as_graph(bench.inventory, group, lambda host: _written(bench, host), with_vars))


@command.command("host", context_settings=HELP, epilog="""\b
Examples:
  orch inventory host web1 -i inventory.yml
  orch inventory host web1 -i inventory.yml --raw

To see which file sets a variable: orch explain var web1 NAME""")
@click.argument("name")
@click.option("--raw", is_flag=True, help="Values as they are written, not resolved.")
@inventory_options()
def host(name: str, raw: bool, **given: Any) -> None:
    """Print the variables of host NAME as JSON."""
    bench = _bench(given)
    _exists("host", name, bench.inventory.hosts)
    _print(_written(bench, name) if raw else _resolved(bench, name))


def _bench(given: dict[str, Any]) -> Workbench:
    from orchestrator.cli.options import workbench
    from orchestrator.cli.targets import check_targets

    bench = workbench((), given)
    for warning in [*check_targets(bench), *bench.warnings]:
        click.echo(f"[WARNING]: {warning}", err=True)
    return bench


def _exists(kind: str, name: str, known: Any) -> None:
    """Raise `UsageError` for a name that the inventory does not have, with the nearest that it has."""
    if name in known:
        return
    import difflib

    from orchestrator.errors import UsageError

    close = difflib.get_close_matches(name, list(known), n=1)
    raise UsageError(f"there is no {kind} {name!r} in the inventory",
                     hint=f"did you mean {close[0]!r}?" if close else "`orch inventory graph` shows what there is")


def _print(values: dict[str, Any]) -> None:
    """ASCII, so that a byte which was no UTF-8 survives any pipe, as ansible-inventory writes it."""
    click.echo(json.dumps(values, indent=4, sort_keys=True, default=str))


def _variables(bench: Workbench, name: str, shown: Callable[[str, Any], Any]) -> dict[str, Any]:
    found = {str(key): shown(key, raw) for key, raw in bench.variables.listed.base(name).items()}
    found.update({str(key): shown(key, raw) for key, raw in bench.variables.extra_vars.items()})
    return found


def _written(bench: Workbench, name: str) -> dict[str, Any]:
    from orchestrator.engine.effects import plain

    return _variables(bench, name, lambda _, raw: plain(raw))


def _resolved(bench: Workbench, name: str) -> dict[str, Any]:
    """A value that cannot be resolved yet (it needs facts, or a play) is shown as written."""
    from orchestrator.engine.effects import plain
    from orchestrator.errors import OrchError

    scope = bench.variables.scope(name)

    def value(_: str, raw: Any) -> Any:
        try:
            return bench.engine.render(raw, scope)
        except OrchError:
            return plain(raw)

    return _variables(bench, name, value)
