"""`orch agents ring`, `rollout` and `bundle`: the agentlet's versions, and how they reach the hosts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.agent_desk import JSON, STORE, for_each, opened_desk, operator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.agents.records import Agent
    from orchestrator.agents.rollouts import Rollout

BY_ID = "auto"
RINGS = ("1", "10", "100")


@click.command("ring", epilog="\b\nExamples:\n  orch agents ring laptop7 laptop8 1\n  orch agents ring laptop7 auto")
@click.argument("hosts", nargs=-1, required=True, metavar="HOST...")
@click.argument("number", type=click.Choice([*RINGS, BY_ID]))
@STORE
def ring(hosts: tuple[str, ...], number: str, store_url: str | None) -> None:
    """Choose the ring in which updates reach HOSTs: 1 the first, 10, or 100 the last.

    auto: by the agentlet's id, for ever the same, as it is for those for which nobody has chosen.
    """
    wanted = None if number == BY_ID else int(number)
    done = "is in the ring of its id" if wanted is None else f"is in ring {wanted}"
    for_each(hosts, store_url, lambda desk, host: desk.registry.ring(host, wanted, operator()), done)


@click.command("rollout", epilog="""\b
Examples:
  orch agents rollout
  orch agents rollout --ring 10
  orch agents rollout --pause
  orch agents rollout --resume --version 0.2.0""")
@click.option("--ring", "number", type=click.Choice(["0", *RINGS]),
              help="Let updates to so many per cent of the agents.")
@click.option("--version", metavar="VERSION", help="Let this version alone through; any: whichever a server has.")
@click.option("--pause/--resume", "paused", default=None, help="Tell nobody for now; go on.")
@JSON
@STORE
def rollout(number: str | None, version: str | None, paused: bool | None, as_json: bool, store_url: str | None) -> None:
    """Show how far updates of the agentlets have got, and decide how far they go.

    A server that runs obeys within five seconds. Agentlets that have an update keep it.
    """
    from orchestrator.agents.releases import this_version

    any_version = version == "any"
    with opened_desk(store_url) as desk:
        if number is not None or version is not None or paused is not None:
            desk.rollouts.change(operator(), ring=None if number is None else int(number), paused=paused,
                                 version=None if any_version else version, any_version=any_version)
        holds = desk.rollouts.now()
        agents = [one.agent for one in desk.registry.listed() if one.agent.state == "active"]
    have = this_version()
    if as_json:
        click.echo(json.dumps({"ring": holds.ring, "version": holds.version, "paused": holds.paused, "by": holds.by,
                               "at": holds.at, "newest": have, "rings": by_ring(agents, have)}, default=str))
        return
    click.echo("\n".join(rollout_lines(holds, have, by_ring(agents, have))))


def by_ring(agents: Sequence[Agent], version: str) -> dict[int, tuple[int, int]]:
    """For each ring how many agentlets are in it, and how many of them have the version."""
    from orchestrator.agents.releases import ring_of

    found = {int(number): (0, 0) for number in RINGS}
    for agent in agents:
        place = ring_of(agent.id, agent.ring)
        count, have = found.get(place, (0, 0))
        found[place] = count + 1, have + (agent.version == version)
    return found


def rollout_lines(holds: Rollout, have: str, rings: dict[int, tuple[int, int]]) -> list[str]:
    from orchestrator.cli.display.safe import one_line

    state = "paused: nobody is told" if holds.paused else f"told to {holds.ring} % of the agentlets"
    if not holds.paused and holds.version not in (None, have):
        state = f"not told: version {holds.version} alone is let through"
    decided = f", decided {holds.at:%Y-%m-%d %H:%M} UTC by {holds.by}" if holds.at else ""
    lines = [one_line(f"version {have} of this installation is {state}{decided}")]
    for number, (count, have_it) in sorted(rings.items()):
        open_ = "open" if number <= holds.ring and not holds.paused else "closed"
        lines.append(f"  ring {number:<4} {open_:7} {have_it} of {count} have it")
    return lines


@click.command("bundle", epilog="\b\nExample:\n  orch agents bundle -o agentlet.pyz")
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
