"""The enrolled agentlets, as an operator keeps them: who they are, their labels, and how an identity ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from orchestrator.agents.invitations import checked_host
from orchestrator.agents.office import Office
from orchestrator.agents.records import ACTIVE, REMOVED, REVOKED, TLS, Agent, Timing
from orchestrator.agents.releases import RINGS
from orchestrator.agents.rows import Certificate, JobRow, offer_after
from orchestrator.agents.standing import behind
from orchestrator.agents.states import NEW_ATTEMPT, WITH_AGENT, Event, State, after
from orchestrator.errors import UsageError
from orchestrator.security.authorities import Authority
from orchestrator.store.table import Table


class Listed(Struct):
    """An agentlet with what is going on."""

    agent: Agent
    liveness: str
    pending: int
    running: int
    certificate_until: datetime | None
    behind: str | None = None
    """The authority of its certificate, when another one signs now."""
    update: str | None = None
    """The version that it is told to take, and does not have yet."""


class LogLine(Struct):
    at: datetime
    text: str


def liveness(agent: Agent, now: datetime, timing: Timing) -> str:
    """``online`` under three intervals of silence, then ``late``, ``offline``, ``overdue``; by the server's clock.

    ``new`` has never called; ``revoked`` and ``removed`` are what they are. It says nothing about any job.
    """
    if agent.state != ACTIVE:
        return agent.state
    if agent.last_seen is None:
        return "new"
    silent_s = (now - agent.last_seen).total_seconds()
    # A poll is held, so the next sign of life may be an interval and a whole poll away.
    online_s = max(3 * agent.interval_s, 2 * timing.poll_wait_s)
    if silent_s < online_s:
        return "online"
    if silent_s < max(timing.offline_s, online_s):
        return "late"
    return "offline" if silent_s < timing.overdue_s else "overdue"


class Registry:
    def __init__(self, office: Office) -> None:
        self._office = office

    def find(self, name: str) -> Agent:
        """The agentlet with this host name or id; an active one before others. Raises `UsageError`."""
        found = self._office.agents.all('"host" = ? OR "id" = ? ORDER BY "enrolled" DESC', name, name)
        for agent in sorted(found, key=lambda one: one.state != ACTIVE):
            return agent
        raise UsageError(f"there is no agentlet for {name!r}", code="agent_unknown",
                         hint="`orch agents list --all` shows them; `orch agents invite HOST` enrols one")

    def listed(self, *, everything: bool = False, authorities: Sequence[Authority] = (),
               told: Callable[[Agent], str | None] = lambda agent: None) -> list[Listed]:
        """All agentlets by host, without the removed ones unless ``everything`` is asked for.

        ``authorities``: those that are trusted now. ``told``: the version that an agentlet should have.
        """
        office, now = self._office, self._office.clock()
        counts: dict[tuple[str, str], int] = {
            (str(agent), str(state)): int(count) for agent, state, count in office.database.select(
                'SELECT "agent_id", "state", count(*) FROM mailbox_jobs WHERE "state" IN (?, ?, ?)'
                ' GROUP BY "agent_id", "state"', (State.QUEUED.value, State.CLAIMED.value, State.STARTED.value))}
        held: dict[str, list[Certificate]] = {}
        for one in office.certificates.all('"revoked" IS NULL ORDER BY "not_after"'):
            held.setdefault(one.agent_id, []).append(one)

        def seen(agent: Agent) -> Listed:
            certificates, active = held.get(agent.id, []), agent.state == ACTIVE
            version = told(agent) if active else None
            return Listed(
                agent, liveness(agent, now, office.timing), counts.get((agent.id, "queued"), 0),
                counts.get((agent.id, "claimed"), 0) + counts.get((agent.id, "started"), 0),
                certificates[-1].not_after if certificates else None,
                behind(certificates, authorities, now) if active and agent.mode == TLS else None,
                None if version == agent.version else version)

        where = "1 = 1" if everything else f"\"state\" <> '{REMOVED}'"
        return [seen(agent) for agent in office.agents.all(f'{where} ORDER BY "host", "enrolled"')]

    def listed_one(self, agent: Agent, **how: Any) -> Listed:
        """As `listed` has it."""
        return next(one for one in self.listed(everything=True, **how) if one.agent.id == agent.id)

    def behind(self, authorities: Sequence[Authority]) -> list[Listed]:
        """The active agentlets whose certificates end with the older of these authorities."""
        return [one for one in self.listed(authorities=authorities) if one.behind is not None]

    def jobs(self, agent: Agent, limit: int = 20) -> list[JobRow]:
        """The latest jobs of an agentlet, the newest first."""
        return self._office.jobs.all('"agent_id" = ? ORDER BY "created" DESC, "id" LIMIT ?', agent.id, limit)

    def facts(self, agent: Agent) -> dict[str, Any]:
        """What the host said of itself when it enrolled: data, never to be rendered."""
        found: dict[str, Any] = self._office.agents.value("facts", '"id" = ?', agent.id)
        return found

    def config(self, agent: Agent) -> dict[str, Any]:
        """What an agentlet is to go by."""
        timing = self._office.timing
        return {"version": agent.config, "host": agent.host, "labels": agent.labels, "interval_s": agent.interval_s,
                "poll_wait_s": timing.poll_wait_s, "heartbeat_s": timing.heartbeat_s, "lease_s": timing.lease_s,
                "watchdog_s": timing.watchdog_s, "max_jobs": timing.max_jobs}

    # ---- what an operator changes

    def rename(self, name: str, host: str, by: str = "") -> Agent:
        """The agentlet belongs to another host of the inventory from now on; what waits for it stays with it."""
        agent = self.find(name)
        checked_host(host)
        with self._office.database.transaction():
            if self._office.agents.find('"host" = ? AND "state" = ? AND "id" <> ?', host, ACTIVE, agent.id):
                raise UsageError(f"{host} has an agentlet already", code="agent_exists",
                                 hint=f"orch agents remove {host}")
            for job in self._office.jobs.all('"agent_id" = ?', agent.id, lock=True):
                seal = self._office.job_seal(job.id, host)
                self._office.jobs.change({"host": host, "seal": seal}, '"id" = ?', job.id)
            return self._changed(agent, by, "agent.rename",
                                 {"host": host, "seal": self._office.agent_seal(agent.id, host)},
                                 old=agent.host, new=host)

    def label(self, name: str, labels: dict[str, str | None], by: str = "") -> Agent:
        """Set labels; None takes one away."""
        agent = self.find(name)
        wanted = {key: value for key, value in {**agent.labels, **labels}.items() if value is not None}
        with self._office.database.transaction():
            return self._changed(agent, by, "agent.labels", {"labels": wanted}, labels=wanted)

    def ring(self, name: str, ring: int | None, by: str = "") -> Agent:
        """In which ring updates reach it; None: the one that its id has. Raises `UsageError`."""
        if ring is not None and ring not in RINGS:
            raise UsageError(f"there is no ring {ring}", code="ring", hint=f"one of {', '.join(map(str, RINGS))}")
        agent = self._active(name)
        with self._office.database.transaction():
            return self._changed(agent, by, "agent.ring", {"ring": ring}, ring=ring)

    def rotate(self, name: str, by: str = "") -> Agent:
        """Ask the agentlet for a new key now; the present one is good until the new one is used."""
        agent = self._active(name)
        with self._office.database.transaction():
            return self._changed(agent, by, "agent.rotate", {"renew": True})

    def approve(self, name: str, by: str = "") -> Agent:
        """An agentlet whose certificate is over may have a new one, within a day."""
        agent = self._active(name)
        with self._office.database.transaction():
            return self._changed(agent, by, "agent.approve", {"recovery_approved": self._office.clock()})

    def revoke(self, name: str, by: str = "") -> Agent:
        """Its next request is refused; what waits for it ends. The row stays: an id is never given twice."""
        return self._ended(name, REVOKED, by, "agent.revoke")

    def remove(self, name: str, by: str = "") -> Agent:
        """The same, and it is not listed any more."""
        return self._ended(name, REMOVED, by, "agent.remove")

    def _ended(self, name: str, state: str, by: str, action: str) -> Agent:
        agent = self.find(name)
        office = self._office
        with office.database.transaction():
            self.end(agent, state)
            for _ in range(2):  # what was claimed comes back into the queue, where nobody is left to take it
                for job in self._open_jobs(agent):
                    self.leave(job)
            office.jobs.change({"offer_after": None}, '"agent_id" = ? AND "state" = ?', agent.id, State.LOST.value)
            office.audit.write(by, action, agent.id, host=agent.host)
        return self._again(agent)

    def _changed(self, agent: Agent, by: str, action: str, changes: dict[str, Any], **detail: Any) -> Agent:
        self._office.agents.change({**changes, "config": agent.config + 1}, '"id" = ?', agent.id)
        self._office.audit.write(by, action, agent.id, **{"host": agent.host, **detail})
        return self._again(agent)

    def _active(self, name: str) -> Agent:
        agent = self.find(name)
        if agent.state != ACTIVE:
            raise UsageError(f"the agentlet of {agent.host} is {agent.state}", code="agent_ended",
                             hint=f"orch agents invite {agent.host}")
        return agent

    def _again(self, agent: Agent) -> Agent:
        found = self._office.agents.find('"id" = ?', agent.id)
        assert found is not None
        return found

    # ---- within a transaction

    def end(self, agent: Agent, state: str) -> None:
        """Its identity ends now: row and certificates."""
        office, now = self._office, self._office.clock()
        office.agents.change({"state": state, "renew": False}, '"id" = ?', agent.id)
        office.certificates.change({"revoked": now}, '"agent_id" = ? AND ("revoked" IS NULL OR "revoked" > ?)',
                                   agent.id, now)

    def hand_jobs_over(self, old: Agent, new_id: str) -> None:
        """What the old agentlet has not begun goes to the new one of the same host; the rest is lost with it."""
        for job in self._open_jobs(old):
            if job.state != State.QUEUED:
                self.leave(job, again=True)
        self._office.jobs.change({"agent_id": new_id}, '"agent_id" = ? AND "state" IN (?, ?)', old.id,
                                 State.QUEUED.value, State.LOST.value)

    def leave(self, job: JobRow, again: bool = False) -> None:
        """The job's agentlet is gone for good. ``again``: its host has another, to which it may be offered."""
        old, now = State(job.state), self._office.clock()
        new = after(old, Event.AGENT_GONE)
        changes: dict[str, Any] = {"state": new, "lease_until": None}
        if (old, Event.AGENT_GONE) in NEW_ATTEMPT:
            changes |= {"attempt": job.attempt + 1, "claim_key": "", "claimed": None, "next_seq": 1}
        if new is State.LOST:
            changes |= {"lost": now, "offer_after": offer_after(job, now) if again else None}
        if new is State.EXPIRED:
            changes["ended"] = now
        self._office.jobs.change(changes, '"id" = ?', job.id)
        self._office.database.notify(job.id)

    def _open_jobs(self, agent: Agent) -> list[JobRow]:
        states = (State.QUEUED, *WITH_AGENT)
        return self._office.jobs.all('"agent_id" = ? AND "state" IN (?, ?, ?)', agent.id,
                                     *(state.value for state in states), lock=True)

    # ---- what agentlets say of themselves

    def log(self, agent: Agent, lines: list[str]) -> None:
        office, now = self._office, self._office.clock()
        time, text = office.database.write["time"], office.database.write["text"]
        with office.database.transaction():
            office.database.insert('INSERT INTO agent_logs ("agent_id", "at", "text") VALUES (?, ?, ?)',
                                   [(text(agent.id), time(now), text(line[:4000])) for line in lines[:1000]])

    def log_lines(self, agent: Agent, limit: int = 100) -> list[LogLine]:
        """The latest lines, the oldest of them first; at the moment they came here."""
        table = Table(self._office.database, "agent_logs", LogLine)
        return table.all('"agent_id" = ? ORDER BY "id" DESC LIMIT ?', agent.id, limit)[::-1]
