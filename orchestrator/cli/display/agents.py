"""Enrolled agentlets as lines for people and objects for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
from msgspec.structs import asdict

from orchestrator.agents.audit import REFUSED, Entry
from orchestrator.agents.records import Agent
from orchestrator.agents.registry import Listed
from orchestrator.cli.display.safe import one_line, width

COLOURS = {"online": "green", "new": "blue", "late": "yellow", "offline": "red", "overdue": "red",
           "revoked": "magenta", "removed": "magenta"}
SHORTEST_HOST, LONGEST_HOST = 12, 40


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
    return one_line("; ".join([*words, agent.note] if agent.note else words))


def ago(moment: datetime | None, now: datetime) -> str:
    """``12 s ago``, ``3 min ago``, ``2 h ago``, ``5 d ago``; ``never``."""
    if moment is None:
        return "never"
    seconds = max(int((now - moment).total_seconds()), 0)
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def agent_object(one: Listed) -> dict[str, Any]:
    values = asdict(one.agent)
    return {"host": values.pop("host"), "liveness": one.liveness, "pending": one.pending, "running": one.running,
            "certificate_until": one.certificate_until, **values}


def show_agent(one: Listed, facts: dict[str, Any], jobs: Sequence[Any], now: datetime) -> str:
    """All of an agentlet that a person may want to know."""
    agent = one.agent
    rows = [
        ("agentlet", agent.id), ("state", one.liveness), ("last seen", _moment(agent.last_seen, now)),
        ("enrolled", _moment(agent.enrolled, now)), ("identity", _identity(agent, one.certificate_until)),
        ("version", f"{agent.version or '?'}, protocol {agent.protocol}"),
        ("python", ".".join(map(str, agent.python)) or "?"), ("platform", agent.platform or "?"),
        ("machine", agent.machine_id or "?"),
        ("labels", " ".join(f"{name}={value}" for name, value in sorted(agent.labels.items())) or "none"),
        ("jobs", f"{one.pending} pending, {one.running} running"),
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


def _identity(agent: Agent, until: datetime | None) -> str:
    if agent.mode == "token":
        return f"signed requests, keys of generation {agent.generation}"
    return (f"certificate until {until:%Y-%m-%d %H:%M} UTC" if until else "no certificate") + (
        f", keys of generation {agent.generation}")


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
