"""`orch explain`: where a value comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.groups import HELP, NearestGroup
from orchestrator.cli.options import inventory_options

if TYPE_CHECKING:
    from orchestrator.engine.setup import Workbench
    from orchestrator.variables.layers import Layered
    from orchestrator.variables.scope import Scope

MAX_VALUE = 60
"""Characters of a value on a layer's line; the winner is shown whole below."""


@click.group("explain", cls=NearestGroup, context_settings=HELP,
             epilog="\b\nExample:\n  orch explain var web1 nginx_port -i inventory.yml -p site.yml")
def command() -> None:
    """Say where a value comes from."""


@command.command("var", context_settings=HELP, epilog="""\b
Examples:
  orch explain var web1 nginx_port -i inventory.yml
  orch explain var web1 nginx_port -i inventory.yml -p site.yml -e @prod.yml

Facts and set_fact are known only while a run goes on, so they are not counted.""")
@click.argument("host")
@click.argument("name")
@click.option("-p", "--playbook", metavar="PLAYBOOK", help="Count this playbook's plays and roles as well.")
@inventory_options()
def var(host: str, name: str, playbook: str | None, **given: Any) -> None:
    """Show every layer that sets variable NAME for HOST, lowest first, and which one wins."""
    from orchestrator.cli.options import workbench
    from orchestrator.errors import UsageError

    bench = workbench((playbook,) if playbook else (), given)
    if bench.inventory.host(host) is None:
        raise UsageError(f"there is no host {host!r} in the inventory", hint="`orch inventory list` shows them")
    if bench.playbook is None:
        click.echo("\n".join(_lines(bench, host, bench.variables.scope(host), name)))
        return
    for number, play in enumerate(bench.playbook.plays, 1):
        title = bench.variables.play_name(play) or str(getattr(play.hosts, "source", play.hosts))
        click.echo(f"{click.style(f'play #{number}: {title}', bold=True)}  {click.style(str(play.origin), dim=True)}")
        click.echo("\n".join(_lines(bench, host, bench.variables.scope(host, play), name)))


def _lines(bench: Workbench, host: str, scope: Scope, name: str) -> list[str]:
    layers = scope.explain(name)
    if not layers:
        return [f"  {name} is not set for {host}", *_near(scope, name)]
    rows = [(_label(layer), _shown(layer.value), str(layer.origin or "")) for layer in layers]
    wide = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = []
    for row, layer in zip(rows, layers, strict=True):
        mark = click.style("→", fg="green", bold=True) if layer is layers[-1] else " "
        lines.append(f"  {mark} {row[0]:{wide[0]}}  {row[1]:{wide[1]}}  {row[2]}".rstrip())
    return [*lines, _result(bench, scope, name)]


def _label(layer: Layered) -> str:
    """The layer without the file in brackets where the place says it already."""
    name, _, bracket = layer.layer.partition(" (")
    return name if bracket and layer.origin and bracket.rstrip(")") == layer.origin.file else layer.layer


def _result(bench: Workbench, scope: Scope, name: str) -> str:
    from orchestrator.errors import OrchError

    try:
        value = json.dumps(bench.engine.render(scope.lookup(name), scope), default=str, ensure_ascii=False)
    except OrchError as error:
        return click.style(f"  = cannot be resolved: {error.message}", fg="red")
    return f"  = {_safe(value)}"


def _near(scope: Scope, name: str) -> list[str]:
    import difflib

    close = difflib.get_close_matches(name, sorted(map(str, scope.names())), n=1, cutoff=0.7)
    return [f"  hint: did you mean {close[0]!r}?"] if close else []


def _shown(value: Any) -> str:
    from orchestrator.engine.effects import plain

    text = _safe(json.dumps(plain(value), default=repr, ensure_ascii=False))
    return text if len(text) <= MAX_VALUE else text[:MAX_VALUE - 1] + "…"


def _safe(text: str) -> str:
    from orchestrator.cli.display.safe import safe_json

    return safe_json(text)
