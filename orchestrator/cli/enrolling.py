"""What `orch trust` does: resolve names to addresses, show what each host shows, enrol what the person accepts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.options import run_options, secrets_from, state_directory
from orchestrator.errors import OrchError

if TYPE_CHECKING:
    from orchestrator.security.host_keys import HostKey


async def enrol_hosts(names: Sequence[str], *, yes: bool, replace: bool, fingerprints: Sequence[str],
                      given: dict[str, Any]) -> int:
    """Enrol each host; 0 when all are trusted in the end, 4 when one could not be reached, 1 when one was refused."""
    path = str(state_directory() / "known_hosts")
    refused = unreachable = 0
    for name, address, port in _addresses(names, given):
        try:
            enrolled = await _enrol(path, name, address, port, yes=yes, replace=replace, fingerprints=fingerprints)
            refused += not enrolled
        except OrchError as error:
            click.secho(f"{name}: {error.message}", fg="red", err=True)
            unreachable += 1
    return 4 if unreachable else 1 if refused else 0


def _addresses(names: Sequence[str], given: dict[str, Any]) -> list[tuple[str, str, int]]:
    """(name, address, port): inventory names and patterns by their variables, anything else as it is."""
    from orchestrator.engine.setup import prepare

    bench = prepare(run_options((), given), secrets_from(given))
    found: list[tuple[str, str, int]] = []
    for name in names:
        matched = bench.inventory.match(name) if bench.inventory.hosts else []
        for host in matched:
            scope = bench.variables.scope(host)

            def value(*variables: str, scope: Any = scope) -> Any:
                for variable in variables:
                    try:
                        return bench.engine.render(scope.lookup(variable), scope)
                    except KeyError:
                        continue
                return None

            if value("ansible_connection") != "local":
                found.append((host, str(value("ansible_host", "ansible_ssh_host") or host),
                              int(value("ansible_port", "ansible_ssh_port") or 22)))
        if not matched:
            address, _, port = name.rpartition(":") if name.count(":") == 1 else (name, "", "22")
            found.append((name, address, int(port)))
    return found


async def _enrol(path: str, name: str, address: str, port: int, *, yes: bool, replace: bool,
                 fingerprints: Sequence[str]) -> bool:
    from orchestrator.security.host_keys import enrol, enrolled, scan

    keys = await scan(address, port)
    known = {key.text for key in enrolled(path, address, port)}
    if {key.text for key in keys} & known and not replace:
        click.echo(f"{name}: trusted already")
        return True
    _show(name, address, port, keys)
    if known and not replace:
        click.secho(f"{name}: its key is not the one enrolled before. If the host was installed anew: --replace",
                    fg="red", err=True)
        return False
    chosen = [k for k in keys if k.fingerprint in fingerprints] if fingerprints else keys
    if fingerprints and not chosen:
        click.secho(f"{name}: none of these is the fingerprint given; not enrolled", fg="red", err=True)
        return False
    if not (yes or fingerprints or _accepted(name)):
        click.echo(f"{name}: not enrolled")
        return False
    Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    enrol(path, address, port, chosen, replace=replace)
    click.secho(f"{name}: enrolled", fg="green")
    return True


def _show(name: str, address: str, port: int, keys: Sequence[HostKey]) -> None:
    click.echo(f"{name} ({address} port {port}) shows:")
    for key in keys:
        click.echo(f"  {key.type:24} {key.fingerprint}")


def _accepted(name: str) -> bool:
    if not sys.stdin.isatty():
        click.echo("nobody to ask: compare the fingerprints and give --fingerprint, or --yes", err=True)
        return False
    return click.confirm(f"Trust {name} with these keys?")
