"""`orch ca`: the certificate authority of the agent gateway."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from orchestrator.cli.groups import HELP, NearestGroup

if TYPE_CHECKING:
    from orchestrator.security.ca import CertificateAuthority


@click.group("ca", cls=NearestGroup, context_settings=HELP, epilog="""\b
Examples:
  orch ca show
  orch ca rotate""")
def command() -> None:
    """The certificate authority that agentlets and gateway trust."""


def _authority() -> CertificateAuthority:
    from orchestrator.agents.opening import CA_FOLDER
    from orchestrator.cli.options import state_directory
    from orchestrator.security.ca import CertificateAuthority

    return CertificateAuthority(state_directory() / CA_FOLDER)


@command.command("init", epilog="\b\nExample:\n  orch ca init")
def init() -> None:
    """Make the authority, where there is none. `orch serve` and `orch agents invite` do it by themselves."""
    ca = _authority()
    made = not ca.exists()
    ca.create()
    click.echo(f"{'made' if made else 'there is one already'}: {ca.folder}")


@command.command("show", epilog="\b\nExample:\n  orch ca show --pem > ca.pem")
@click.option("--json", "as_json", is_flag=True, help="JSON for programs.")
@click.option("--pem", is_flag=True, help="The certificates of all trusted authorities.")
def show(as_json: bool, pem: bool) -> None:
    """Show the authorities that are trusted now, and the server's key as agentlets pin it."""
    ca = _authority()
    if pem:
        click.echo(ca.bundle(), nl=False)
        return
    authorities, names, pin = ca.authorities(), ca.server_names(), ca.pin()
    if as_json:
        click.echo(json.dumps({
            "authorities": [{"name": one.name, "created": one.created, "trusted_until": one.trusted_until}
                            for one in authorities], "server_names": names, "pin": pin}))
        return
    click.echo(click.style(f"{'AUTHORITY':32} {'MADE (UTC)':17} STATE", bold=True))
    for one in authorities:
        state = "signs" if one.trusted_until is None else f"trusted until {_when(one.trusted_until)}"
        click.echo(f"{one.name:32} {_when(one.created):17} {state}")
    click.echo(f"\nserver  {', '.join(names) or 'no certificate yet: it is made by `orch serve`'}")
    click.echo(f"pin     {pin}")


@command.command("rotate", epilog="\b\nExample:\n  orch ca rotate")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def rotate(yes: bool) -> None:
    """Make a new authority, which signs from now on. The old one stays trusted for 7 days.

    By then every agentlet that calls in has a certificate of the new one. No host needs to be touched, and a running
    server takes part without a restart.
    """
    ca = _authority()
    ca.authorities()
    if not yes:
        click.confirm("Make a new authority?", abort=True, err=True)
    made = ca.rotate()
    click.echo(f"{made.name} signs from now on; those before it are trusted for 7 more days")
    click.echo("a key that was stolen should not be trusted so long: orch ca retire")


@command.command("retire", epilog="\b\nExample:\n  orch ca retire")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def retire(yes: bool) -> None:
    """Trust no authority but the newest from now on. Agentlets whose certificate it did not sign must be approved."""
    ca = _authority()
    old = ca.authorities()[:-1]
    if not old:
        click.echo("there is no older authority")
        return
    if not yes:
        click.confirm(f"Trust {', '.join(one.name for one in old)} no longer? Agentlets that have not renewed since the"
                      " rotation are cut off until `orch agents approve HOST`.", abort=True, err=True)
    click.echo("\n".join(f"{name} is not trusted any more" for name in ca.retire()))


def _when(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M}"
