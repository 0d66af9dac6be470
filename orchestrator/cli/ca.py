"""`orch ca`: the certificate authority of the agent gateway, and the one that signs SSH keys of runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from orchestrator.cli.agent_desk import STORE, opened_desk
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
    click.echo("to have all agentlets follow at once: orch agents rotate --old")
    click.echo("a key that was stolen should not be trusted so long: orch ca retire")


@command.command("retire", epilog="\b\nExample:\n  orch agents rotate --old\n  orch ca retire")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Although agentlets are cut off by it, each until it is approved.")
@STORE
def retire(yes: bool, force: bool, store_url: str | None) -> None:
    """Trust no authority but the newest from now on.

    It refuses while there are agentlets that show a certificate of an older one, and names them. With --force they are
    cut off; each finds out by itself, and comes back after `orch agents approve HOST`.
    """
    ca = _authority()
    old = ca.authorities()[:-1]
    if not old:
        click.echo("there is no older authority")
        return
    if not force:
        _refuse_while_needed(ca, store_url)
    if not yes:
        click.confirm(f"Trust {', '.join(one.name for one in old)} no longer?", abort=True, err=True)
    click.echo("\n".join(f"{name} is not trusted any more" for name in ca.retire()))


def _refuse_while_needed(ca: CertificateAuthority, store_url: str | None) -> None:
    from orchestrator.cli.display.agents import behind_line
    from orchestrator.errors import UsageError

    with opened_desk(store_url) as desk:
        behind = desk.registry.behind(ca.authorities())
    if behind:
        raise UsageError(behind_line(behind), code="ca_in_use",
                         hint="`orch agents rotate --old` asks them to follow; a host that is away follows when it is"
                              " back; --force cuts them off until `orch agents approve HOST`")


@command.command("ssh-public", epilog="""\b
Example:
  orch ca ssh-public > /etc/ssh/orch_user_ca.pub      on each host, with this line in sshd_config:
                                                      TrustedUserCAKeys /etc/ssh/orch_user_ca.pub""")
def ssh_public() -> None:
    """Print the public key of the SSH authority, as TrustedUserCAKeys takes it. It is made where there is none.

    Runs of `orch serve` that are given a credential of the kind ssh_certificate log in with a key of their own, which
    this authority has signed until 15 minutes after the run's time limit.
    """
    from orchestrator.cli.options import state_directory
    from orchestrator.security.ssh_ca import SshAuthority
    from orchestrator.store.state import ensure

    authority = SshAuthority(ensure(state_directory()))
    authority.create()
    click.echo(authority.public_line())


def _when(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M}"
