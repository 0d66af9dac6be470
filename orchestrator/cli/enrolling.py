"""What `orch trust` does: resolve names to addresses, show what each host shows, enrol what the person accepts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.options import state_directory, workbench
from orchestrator.errors import OrchError, UsageError

if TYPE_CHECKING:
    from orchestrator.engine.setup import Workbench
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
            if error.hint:
                click.echo(f"  hint: {error.hint}", err=True)
            unreachable += 1
    return 4 if unreachable else 1 if refused else 0


def _addresses(names: Sequence[str], given: dict[str, Any]) -> list[tuple[str, str, int]]:
    """(name, address, port): inventory names and patterns by their variables, anything else as it is."""
    bench = workbench((), given)
    found: list[tuple[str, str, int]] = []
    for name in names:
        matched = bench.inventory.match(name, given.get("limit")) if bench.inventory.hosts else []
        found += [one for host in matched if (one := _of_inventory(bench, host)) is not None]
        if not matched:
            found.append((name, *_address(name)))
    return found


def _of_inventory(bench: Workbench, host: str) -> tuple[str, str, int] | None:
    """Where a host of the inventory listens; None for one that is reached without SSH."""
    scope = bench.variables.scope(host)

    def value(*variables: str) -> Any:
        for variable in variables:
            try:
                return bench.engine.render(scope.lookup(variable), scope)
            except KeyError:
                continue
        return None

    if value("ansible_connection") == "local":
        return None
    port = value("ansible_port", "ansible_ssh_port") or 22
    return host, str(value("ansible_host", "ansible_ssh_host") or host), _port(port, host)


def _address(name: str) -> tuple[str, int]:
    """``host``, ``host:port``, ``[v6]:port`` or a bare IPv6 address."""
    if name.startswith("["):
        address, _, rest = name[1:].partition("]")
        return address, _port(rest.removeprefix(":") or 22, name)
    if name.count(":") == 1:
        address, _, port = name.partition(":")
        return address, _port(port, name)
    return name, 22


def _port(value: Any, name: str) -> int:
    try:
        port = int(value)
    except (TypeError, ValueError):
        port = 0
    if not 0 < port < 65536:
        raise UsageError(f"{name}: {value!r} is no port", hint="1 to 65535")
    return port


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
