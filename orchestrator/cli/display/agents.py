"""Enrolled agentlets as lines for people and objects for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
from msgspec.structs import asdict

from orchestrator.agents.registry import Listed
from orchestrator.agents.releases import ring_of
from orchestrator.agents.vitals import Vitals
from orchestrator.cli.display.safe import one_line, width
from orchestrator.cli.display.styles import named
from orchestrator.cli.display.vitals import ago, vital_rows
from orchestrator.store.audit import REFUSED, Entry

COLOURS = {"online": "green", "new": "blue", "late": "yellow", "offline": "red", "overdue": "red",
           "revoked": "magenta", "removed": "magenta"}
SHORTEST_HOST, LONGEST_HOST = 12, 40
HOSTS_NAMED = 20


def agent_lines(listed: Sequence[Listed], now: datetime) -> list[str]:
    """One line an agentlet: host, state, when it called last, version, jobs, and what an operator should know."""
    hosts = max([SHORTEST_HOST, *(min(width(one.agent.host), LONGEST_HOST) for one in listed)])
    lines = [click.style(f"{'HOST':{hosts}} {'STATE':8} {'LAST SEEN':>10}  {'VERSION':10} {'PENDING':>7} {'RUNNING':>7}"
                         "  NOTE", bold=True)]
    for one in listed:
        host = one_line(one.agent.host)
        state = click.style(f"{one.liveness:8}", fg=COLOURS.get(one.liveness))
        lines.append(
            f"{host}{' ' * max(hosts - width(host), 0)} {state} {ago(one.agent.last_seen, now):>10}  "
            f"{one_line(one.agent.version)[:10]:10} {one.pending:>7} {one.running:>7}  {note(one, now)}".rstrip())
    return lines


def note(one: Listed, now: datetime) -> str:
    """What is unusual about it, with what to do."""
    agent, words = one.agent, []
    if agent.clone_of:
        words.append(f"same machine as agentlet {agent.clone_of}: a copy?")
    if agent.recovery_asked and not agent.recovery_approved:
        words.append(f"certificate over: orch agents approve {agent.host}")
    elif (agent.mode == "tls" and agent.state == "active" and one.certificate_until is not None
          and one.certificate_until <= now):
        words.append("certificate over")
    if agent.recovery_approved:
        words.append("approved, not back yet")
    if agent.renew:
        words.append("new keys asked for")
    if one.behind:
        words.append("on an older authority")
    if agent.ring is not None:
        words.append(f"ring {agent.ring}")
    if one.update:
        words.append(f"told to update to {one.update}")
    return one_line("; ".join([*words, agent.note] if agent.note else words))


def agent_object(one: Listed) -> dict[str, Any]:
    values = asdict(one.agent)
    return {"host": values.pop("host"), "liveness": one.liveness, "pending": one.pending, "running": one.running,
            "certificate_until": one.certificate_until, "older_authority": one.behind, "update": one.update,
            "update_ring": ring_of(one.agent.id, one.agent.ring), **values}


def behind_line(behind: Sequence[Listed]) -> str:
    """Who would be cut off if the older authorities were trusted no longer."""
    return f"on an older authority still: {named([one_line(one.agent.host) for one in behind], HOSTS_NAMED)}"


def show_agent(one: Listed, facts: dict[str, Any], jobs: Sequence[Any], vitals: Vitals | None, now: datetime) -> str:
    """All of an agentlet that a person may want to know."""
    agent = one.agent
    rows = [
        ("agentlet", agent.id), ("state", one.liveness), ("last seen", _moment(agent.last_seen, now)),
        ("enrolled", _moment(agent.enrolled, now)), ("identity", _identity(one)),
        ("version", f"{agent.version or '?'}, protocol {agent.protocol}"), ("ring", _ring(one)),
        ("python", ".".join(map(str, agent.python)) or "?"), ("platform", agent.platform or "?"),
        ("machine", agent.machine_id or "?"),
        ("labels", " ".join(f"{name}={value}" for name, value in sorted(agent.labels.items())) or "none"),
        ("jobs", f"{one.pending} pending, {one.running} running"),
        *vital_rows(vitals, now),
        *((f"fact {name}", str(value)) for name, value in sorted(facts.items())),
        ("note", note(one, now)),
    ]
    lines = [click.style(one_line(agent.host), bold=True)]
    lines += [f"  {one_line(name):12} {one_line(value)}" for name, value in rows if value]
    lines += [f"  {'job':12} {job.id}  {job.state:9} attempt {job.attempt}  priority {job.priority}  run {job.run_id}"
              for job in jobs]
    return "\n".join(lines)


def _moment(moment: datetime | None, now: datetime) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC, {ago(moment, now)}"


def _identity(one: Listed) -> str:
    agent, until = one.agent, one.certificate_until
    if agent.mode == "token":
        return f"signed requests, keys of generation {agent.generation}"
    return (f"certificate until {until:%Y-%m-%d %H:%M} UTC" if until else "no certificate") + (
        f", keys of generation {agent.generation}") + (f", of the older authority {one.behind}" if one.behind else "")


def _ring(one: Listed) -> str:
    agent = one.agent
    chosen = "chosen" if agent.ring is not None else "by its id"
    return f"{ring_of(agent.id, agent.ring)}, {chosen}" + (f"; told to update to {one.update}" if one.update else "")


def audit_lines(entries: Sequence[Entry]) -> list[str]:
    """What was done and refused, the oldest first."""
    lines = []
    for entry in entries:
        outcome = click.style(f"{entry.outcome:8}", fg="red" if entry.outcome == REFUSED else None)
        detail = " ".join(f"{name}={value}" for name, value in entry.detail.items() if value not in (None, ""))
        who = entry.actor or entry.address or "?"
        lines.append(f"{entry.at:%Y-%m-%d %H:%M:%S}  {outcome} {entry.action:18} {one_line(who):20} "
                     f"{one_line(entry.subject)}  {one_line(detail)}".rstrip())
    return lines
