"""`orch agents`: hosts that call in by themselves."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.groups import HELP, NearestGroup
from orchestrator.cli.options import DURATION

if TYPE_CHECKING:
    from orchestrator.agents.desk import Desk

STORE = click.option("--store", "store_url", metavar="URL", envvar="ORCH_STORE", help="Database; the default is a"
                     " SQLite file of the project.")
JSON = click.option("--json", "as_json", is_flag=True, help="JSON for programs.")
YES = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
HOSTS = click.argument("hosts", nargs=-1, required=True, metavar="HOST...")


@click.group("agents", cls=NearestGroup, context_settings=HELP, epilog="""\b
Examples:
  orch agents invite laptop7
  orch agents list
  orch agents revoke laptop7""")
def command() -> None:
    """Agentlets: invite hosts that SSH does not reach, see who is there, end an identity."""


@contextmanager
def _desk(url: str | None) -> Iterator[Desk]:
    from orchestrator.agents.opening import open_desk
    from orchestrator.cli.options import state_directory

    desk = open_desk(state_directory(), url)
    try:
        yield desk
    finally:
        desk.close()
        desk.database.close()


def _operator() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "?"


@command.command("invite", epilog="""\b
Examples:
  orch agents invite laptop7
  orch agents invite laptop7 --label site=berlin --valid 24h
  orch agents invite laptop7 --url https://orch.example.com:8444""")
@click.argument("host")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="A label of the host; may be repeated.")
@click.option("--valid", default="1h", show_default=True, type=DURATION, metavar="TIME",
              help="How long it is good: 30m, 24h, 7d.")
@click.option("--url", metavar="URL", envvar="ORCH_AGENTS_URL",
              help="Where the host reaches `orch serve`; the default is its certificate's first name, port 8444.")
@JSON
@STORE
def invite(host: str, labels: tuple[str, ...], valid: float, url: str | None, as_json: bool,
           store_url: str | None) -> None:
    """Print the line that enrols HOST when it is run there.

    HOST is its name in the inventory. The line is good once, for this host alone; it holds the pin of the server's key,
    so that nobody in between can answer in the server's place.
    """
    from orchestrator.cli.inviting import install_line, server_url

    wanted = _labels(labels)
    with _desk(store_url) as desk:
        desk.office.ca.create()
        base = server_url(url, desk.office.ca)
        pin = desk.office.ca.pin()
        made = desk.invite(host, wanted, valid, _operator())
    line = install_line(base, made.token, pin)
    if as_json:
        click.echo(json.dumps({"host": host, "token": made.token, "expires": made.expires, "url": base, "pin": pin,
                               "line": line}, default=str))
        return
    click.echo(f"Run this as root on {host}, before {made.expires:%Y-%m-%d %H:%M} UTC; it works once:\n", err=True)
    click.echo(line)


@command.command("list", epilog="\b\nExample:\n  orch agents list --json")
@click.option("--all", "everything", is_flag=True, help="Removed ones too.")
@JSON
@STORE
def list_(everything: bool, as_json: bool, store_url: str | None) -> None:
    """List the agentlets and their states.

    online: called within three intervals. late, offline (5 min), overdue (a day): silent since. new: never called.
    """
    from orchestrator.cli.display.agents import agent_lines, agent_object

    with _desk(store_url) as desk:
        listed = desk.registry.listed(everything=everything)
        now = desk.office.clock()
    if as_json:
        for one in listed:
            click.echo(json.dumps(agent_object(one), default=str))
    elif not listed:
        click.echo("No agentlets yet. Begin with: orch agents invite HOST")
    else:
        click.echo("\n".join(agent_lines(listed, now)))


@command.command("show", epilog="\b\nExample:\n  orch agents show laptop7")
@click.argument("host")
@JSON
@STORE
def show(host: str, as_json: bool, store_url: str | None) -> None:
    """Show all that is known of HOST's agentlet.

    The id of an agentlet will do as well.
    """
    from orchestrator.cli.display.agents import agent_object, show_agent

    with _desk(store_url) as desk:
        agent = desk.registry.find(host)
        one = desk.registry.listed_one(agent)
        facts, jobs = desk.registry.facts(agent), desk.registry.jobs(agent)
        now = desk.office.clock()
    if as_json:
        click.echo(json.dumps({**agent_object(one), "facts": facts}, default=str))
    else:
        click.echo(show_agent(one, facts, jobs, now))


@command.command("logs", epilog="\b\nExample:\n  orch agents logs laptop7 -n 500")
@click.argument("host")
@click.option("-n", "--number", default=100, show_default=True, type=click.IntRange(1, 100_000), help="How many lines.")
@STORE
def logs(host: str, number: int, store_url: str | None) -> None:
    """Show what HOST's agentlet has logged.

    Times are those at which the lines came here.
    """
    from orchestrator.cli.display.safe import one_line

    with _desk(store_url) as desk:
        lines = desk.registry.log_lines(desk.registry.find(host), number)
    for line in lines:
        click.echo(f"{line.at:%Y-%m-%d %H:%M:%S}  {one_line(line.text)}")


@command.command("audit", epilog="\b\nExample:\n  orch agents audit -n 20 --action agent.identify")
@click.option("-n", "--number", default=50, show_default=True, type=click.IntRange(1, 100_000), help="How many.")
@click.option("--action", metavar="NAME", help="Only this: agent.enrol, agent.identify, agent.revoke, job.lost …")
@JSON
@STORE
def audit(number: int, action: str | None, as_json: bool, store_url: str | None) -> None:
    """Show what was done and what was refused.

    Who, when, what, to whom, from where; the latest last.
    """
    from msgspec.structs import asdict

    from orchestrator.cli.display.agents import audit_lines

    with _desk(store_url) as desk:
        entries = desk.office.audit.entries(action=action, limit=number)[::-1]
    for line in ([json.dumps(asdict(entry), default=str) for entry in entries] if as_json else audit_lines(entries)):
        click.echo(line)


@command.command("rotate", epilog="\b\nExample:\n  orch agents rotate laptop7")
@HOSTS
@STORE
def rotate(hosts: tuple[str, ...], store_url: str | None) -> None:
    """Have HOSTs' agentlets make new keys.

    They do it the next time they call; the present keys are good until the new ones are used.
    """
    _each(hosts, store_url, lambda desk, host: desk.registry.rotate(host, _operator()), "will make new keys")


@command.command("approve", epilog="\b\nExample:\n  orch agents approve laptop7")
@HOSTS
@STORE
def approve(hosts: tuple[str, ...], store_url: str | None) -> None:
    """Let HOSTs back in whose certificate is over.

    They were away too long to renew it: within a day they may have a new one. Who was revoked must be invited anew.
    """
    _each(hosts, store_url, lambda desk, host: desk.registry.approve(host, _operator()), "may renew within 24 hours")


@command.command("revoke", epilog="\b\nExample:\n  orch agents revoke laptop7")
@HOSTS
@YES
@STORE
def revoke(hosts: tuple[str, ...], yes: bool, store_url: str | None) -> None:
    """End the identity of HOSTs' agentlets.

    Their next request is refused, and what waits for them is dropped.
    """
    _confirm(yes, f"Revoke {', '.join(hosts)}? Each must be invited anew to come back.")
    _each(hosts, store_url, lambda desk, host: desk.registry.revoke(host, _operator()), "is revoked")


@command.command("remove", epilog="\b\nExample:\n  orch agents remove laptop7")
@HOSTS
@YES
@STORE
def remove(hosts: tuple[str, ...], yes: bool, store_url: str | None) -> None:
    """Revoke HOSTs' agentlets and unlist them.

    On the host itself, `agentlet.pyz uninstall` takes the agentlet away.
    """
    _confirm(yes, f"Remove {', '.join(hosts)}? Each must be invited anew to come back.")
    _each(hosts, store_url, lambda desk, host: desk.registry.remove(host, _operator()), "is removed")


@command.command("rename", epilog="\b\nExample:\n  orch agents rename laptop7 laptop-berlin-7")
@click.argument("host")
@click.argument("new")
@STORE
def rename(host: str, new: str, store_url: str | None) -> None:
    """Give HOST's agentlet the inventory name NEW."""
    with _desk(store_url) as desk:
        agent = desk.registry.rename(host, new, _operator())
    click.echo(f"{host}: is {agent.host} from now on")


@command.command("labels", epilog="\b\nExample:\n  orch agents labels laptop7 site=berlin owner-")
@click.argument("host")
@click.argument("changes", nargs=-1, metavar="[NAME=VALUE | NAME-]...")
@STORE
def labels_(host: str, changes: tuple[str, ...], store_url: str | None) -> None:
    """Show and change labels of HOST's agentlet.

    NAME=VALUE sets one, NAME- takes one away.
    """
    wanted: dict[str, str | None] = dict(_labels(tuple(one for one in changes if "=" in one)))
    for one in changes:
        if "=" not in one:
            if not one.endswith("-"):
                raise click.UsageError(f"{one!r} is neither NAME=VALUE nor NAME-")
            wanted[one[:-1]] = None
    with _desk(store_url) as desk:
        agent = desk.registry.label(host, wanted, _operator()) if wanted else desk.registry.find(host)
    for name, value in sorted(agent.labels.items()):
        click.echo(f"{name}={value}")


@command.command("bundle", epilog="\b\nExample:\n  orch agents bundle -o agentlet.pyz")
@click.option("-o", "--output", default="agentlet.pyz", show_default=True, help="Where to write it.",
              type=click.Path(dir_okay=False, path_type=Path))
def bundle(output: Path) -> None:
    """Write the agentlet's one file.

    It needs Python 3.6 or newer and nothing else.
    """
    import hashlib

    from orchestrator.agents.bundle import build_pyz

    data = build_pyz()
    output.write_bytes(data)
    click.echo(f"{output}  {len(data)} bytes  sha256 {hashlib.sha256(data).hexdigest()}")


def _each(hosts: tuple[str, ...], store_url: str | None, act: Callable[[Desk, str], Any], done: str) -> None:
    """Do it for every host; what cannot be done for one does not keep it from the others. Ends with 1 then."""
    from orchestrator.errors import OrchError

    failed = False
    with _desk(store_url) as desk:
        for host in hosts:
            try:
                agent = act(desk, host)
            except OrchError as error:
                failed = True
                click.secho(f"{host}: {error.message}", fg="red", err=True)
                if error.hint:
                    click.echo(f"  hint: {error.hint}", err=True)
                continue
            click.echo(f"{agent.host}: {done}")
    if failed:
        sys.exit(1)


def _confirm(yes: bool, question: str) -> None:
    if not yes:
        click.confirm(question, abort=True, err=True)


def _labels(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for one in given:
        name, mark, value = one.partition("=")
        if not mark or not name:
            raise click.UsageError(f"a label is NAME=VALUE, not {one!r}")
        found[name] = value
    return found


