"""`orch agents`: hosts that call in by themselves."""

from __future__ import annotations

import json

import click

from orchestrator.cli import agent_updates
from orchestrator.cli.agent_desk import (
    HOSTS,
    JSON,
    STORE,
    YES,
    confirm,
    for_each,
    opened_desk,
    operator,
    trusted_authorities,
)
from orchestrator.cli.groups import HELP, NearestGroup
from orchestrator.cli.options import DURATION


@click.group("agents", cls=NearestGroup, context_settings=HELP, epilog="""\b
Examples:
  orch agents invite laptop7
  orch agents list
  orch agents revoke laptop7""")
def command() -> None:
    """Agentlets: invite hosts that SSH does not reach, see who is there, end an identity."""


for _one in (agent_updates.ring, agent_updates.rollout, agent_updates.bundle):
    command.add_command(_one)


@command.command("invite", epilog="""\b
Examples:
  orch agents invite laptop7
  orch agents invite laptop7 --label site=berlin --valid 24h
  orch agents invite laptop7 --user orch-agentlet    a service that is not root; a helper does what needs root
  orch agents invite laptop7 --url https://orch.example.com:8444""")
@click.argument("host")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="A label of the host; may be repeated.")
@click.option("--valid", default="1h", show_default=True, type=DURATION, metavar="TIME",
              help="How long it is good: 30m, 24h, 7d.")
@click.option("--url", metavar="URL", envvar="ORCH_AGENTS_URL",
              help="Where the host reaches `orch serve`; the default is the address of the one that runs.")
@click.option("--user", "account", metavar="ACCOUNT",
              help="The agentlet runs as this account of the host, which is made, and not as root.")
@JSON
@STORE
def invite(host: str, labels: tuple[str, ...], valid: float, url: str | None, account: str | None, as_json: bool,
           store_url: str | None) -> None:
    """Print the line that enrols HOST when it is run there.

    HOST is its name in the inventory. The line is good once, for this host alone; it holds the pin of the server's key,
    so that nobody in between can answer in the server's place.
    """
    from orchestrator.agents.inviting import install_line, server_pin, server_url

    wanted = _labels(labels)
    with opened_desk(store_url) as desk:
        desk.office.ca.create()
        running = desk.servers.running()
        base = server_url(url, running, desk.office.ca)
        pin = server_pin(base, running, desk.office.ca)
        install_line(base, "", pin, account)  # before there is an invitation, what is wrong with it
        made = desk.invite(host, wanted, valid, operator())
    line = install_line(base, made.token, pin, account)
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

    with opened_desk(store_url) as desk:
        listed = desk.registry.listed(everything=everything, authorities=trusted_authorities(),
                                      told=desk.rollouts.version_for)
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

    with opened_desk(store_url) as desk:
        agent = desk.registry.find(host)
        one = desk.registry.listed_one(agent, authorities=trusted_authorities(), told=desk.rollouts.version_for)
        facts, jobs, vitals = desk.registry.facts(agent), desk.registry.jobs(agent), desk.vitals.latest(agent.id)
        now = desk.office.clock()
    if as_json:
        stats = {"at": vitals.at, **vitals.stats} if vitals else None
        click.echo(json.dumps({**agent_object(one), "facts": facts, "stats": stats}, default=str))
    else:
        click.echo(show_agent(one, facts, jobs, vitals, now))


@command.command("logs", epilog="\b\nExample:\n  orch agents logs laptop7 -n 500")
@click.argument("host")
@click.option("-n", "--number", default=100, show_default=True, type=click.IntRange(1, 100_000), help="How many lines.")
@STORE
def logs(host: str, number: int, store_url: str | None) -> None:
    """Show what HOST's agentlet has logged.

    Times are those at which the lines came here.
    """
    from orchestrator.cli.display.safe import one_line

    with opened_desk(store_url) as desk:
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

    with opened_desk(store_url) as desk:
        entries = desk.office.audit.entries(action=action, limit=number)[::-1]
    for line in ([json.dumps(asdict(entry), default=str) for entry in entries] if as_json else audit_lines(entries)):
        click.echo(line)


@command.command("rotate", epilog="\b\nExamples:\n  orch agents rotate laptop7\n  orch agents rotate --old")
@click.argument("hosts", nargs=-1, metavar="[HOST]...")
@click.option("--old", is_flag=True, help="All whose certificate is not of the newest authority (`orch ca rotate`).")
@STORE
def rotate(hosts: tuple[str, ...], old: bool, store_url: str | None) -> None:
    """Have HOSTs' agentlets make new keys, and say who is on an older authority still.

    They do it the next time they call; the present keys are good until the new ones are used.
    """
    from orchestrator.cli.display.agents import behind_line

    if not hosts and not old:
        raise click.UsageError("name hosts, or give --old")
    with opened_desk(store_url) as desk:
        behind = desk.registry.behind(trusted_authorities())
    wanted = (*hosts, *(one.agent.host for one in behind if old and one.agent.host not in hosts))
    if behind:
        click.echo(behind_line(behind), err=True)
    elif old:
        click.echo("nobody is on an older authority")
    if wanted:
        for_each(wanted, store_url, lambda desk, host: desk.registry.rotate(host, operator()), "will make new keys")


@command.command("approve", epilog="\b\nExample:\n  orch agents approve laptop7")
@HOSTS
@STORE
def approve(hosts: tuple[str, ...], store_url: str | None) -> None:
    """Let HOSTs back in whose certificate is over.

    They were away too long to renew it: within a day they may have a new one. Who was revoked must be invited anew.
    """
    for_each(hosts, store_url, lambda desk, host: desk.registry.approve(host, operator()), "may renew within 24 hours")


@command.command("revoke", epilog="\b\nExample:\n  orch agents revoke laptop7")
@HOSTS
@YES
@STORE
def revoke(hosts: tuple[str, ...], yes: bool, store_url: str | None) -> None:
    """End the identity of HOSTs' agentlets.

    Their next request is refused, and what waits for them is dropped.
    """
    confirm(yes, f"Revoke {', '.join(hosts)}? Each must be invited anew to come back.")
    for_each(hosts, store_url, lambda desk, host: desk.registry.revoke(host, operator()), "is revoked")


@command.command("remove", epilog="\b\nExample:\n  orch agents remove laptop7")
@HOSTS
@YES
@STORE
def remove(hosts: tuple[str, ...], yes: bool, store_url: str | None) -> None:
    """Revoke HOSTs' agentlets and unlist them.

    On the host itself, `agentlet.pyz uninstall` takes the agentlet away.
    """
    confirm(yes, f"Remove {', '.join(hosts)}? Each must be invited anew to come back.")
    for_each(hosts, store_url, lambda desk, host: desk.registry.remove(host, operator()), "is removed")


@command.command("rename", epilog="\b\nExample:\n  orch agents rename laptop7 laptop-berlin-7")
@click.argument("host")
@click.argument("new")
@STORE
def rename(host: str, new: str, store_url: str | None) -> None:
    """Give HOST's agentlet the inventory name NEW."""
    with opened_desk(store_url) as desk:
        agent = desk.registry.rename(host, new, operator())
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
    with opened_desk(store_url) as desk:
        agent = desk.registry.label(host, wanted, operator()) if wanted else desk.registry.find(host)
    for name, value in sorted(agent.labels.items()):
        click.echo(f"{name}={value}")


def _labels(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for one in given:
        name, mark, value = one.partition("=")
        if not mark or not name:
            raise click.UsageError(f"a label is NAME=VALUE, not {one!r}")
        found[name] = value
    return found
