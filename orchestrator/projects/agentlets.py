"""Agentlets as operators see them: the desk's registry, with rights, pages, and what it refuses as the API says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from msgspec import Struct

from orchestrator.access import rights
from orchestrator.access.rights import Identity
from orchestrator.agents.desk import Desk
from orchestrator.agents.records import ACTIVE, REMOVED, Agent, Invitation
from orchestrator.agents.registry import LogLine, liveness
from orchestrator.credentials.credentials import like
from orchestrator.errors import UsageError
from orchestrator.projects.fleet import Fleet
from orchestrator.refusals import Conflict, NotFound, wrong
from orchestrator.store.books import Books
from orchestrator.store.paging import Page, PageRequest, page_of
from orchestrator.store.table import marks

SORTS = {"host": ("host", "id"), "enrolled": ("enrolled", "id")}
MOST_LOG_LINES = 1_000
MOST_LABELS = 50
Told = TypeVar("Told")
LONGEST_LABEL = 200


class Agentlet(Struct):
    """Without its keys. ``version``, ``platform`` and ``python`` are the host's word."""

    id: str
    host: str
    state: str
    liveness: str
    mode: str
    version: str
    platform: str
    python: list[int]
    labels: dict[str, Any]
    note: str
    clone_of: str | None
    renew: bool
    enrolled: datetime
    last_seen: datetime | None


class AgentletJob(Struct):
    id: str
    run_id: str
    state: str
    attempt: int
    created: datetime
    ended: datetime | None


class AgentletDetail(Struct):
    """``facts`` and ``stats`` are what the host said of itself: data, never to be rendered."""

    agentlet: Agentlet
    facts: dict[str, Any]
    stats: dict[str, Any]
    jobs: list[AgentletJob]


class Agentlets:
    def __init__(self, books: Books, desk: Desk, fleet: Fleet) -> None:
        self._books = books
        self._desk = desk
        self._fleet = fleet
        self._table = books.table("agents", Agent)

    def list(self, by: Identity, page: PageRequest, *, search: str = "", state: str | None = None) -> Page[Agentlet]:
        """Without the removed ones, unless that state is asked for."""
        where: Sequence[str] = ['"state" = ?' if state else f"\"state\" <> '{REMOVED}'"]
        values: Sequence[Any] = [state] if state else []
        if search:
            where, values = [*where, """lower("host") LIKE ? ESCAPE '!'"""], [*values, like(search)]
        seen = self._fleet.visible(by)
        if seen is not None:
            where, values = [*where, f'"host" IN ({marks(seen) or "NULL"})'], [*values, *seen]
        rows = page_of(self._table, page, SORTS, " AND ".join(where), *values)
        return Page([self._shown(agent) for agent in rows.items], rows.next)

    def show(self, by: Identity, name: str) -> AgentletDetail:
        """By host or id. Raises `NotFound`."""
        agent = self._found(by, name)
        vitals = self._desk.vitals.latest(agent.id)
        jobs = [AgentletJob(job.id, job.run_id, job.state, job.attempt, job.created, job.ended)
                for job in self._desk.registry.jobs(agent)]
        facts = self._desk.registry.facts(agent)
        return AgentletDetail(self._shown(agent), facts, vitals.stats if vitals else {}, jobs)

    def logs(self, by: Identity, name: str, limit: int = 100) -> Sequence[LogLine]:
        """The latest lines that the agentlet sent, the oldest of them first: the host's word."""
        return self._desk.registry.log_lines(self._found(by, name), max(1, min(limit, MOST_LOG_LINES)))

    def invite(self, by: Identity, host: str, labels: Mapping[str, str] | None = None,
               valid_s: float = 3600) -> Invitation:
        """A token that is good once, for this host; see `Invitations.invite`. Raises `Malformed`."""
        rights.refuse_unless(by, "agent.change")
        wanted = _labels(labels or {})
        return _told(lambda: self._desk.invite(host, wanted, valid_s, by.name), "host")

    def rotate(self, by: Identity, name: str) -> Agentlet:
        """It is asked for a new key when it calls next; the present one is good until then."""
        return self._changed(by, name, lambda agent: self._desk.registry.rotate(agent.id, by.name))

    def approve(self, by: Identity, name: str) -> Agentlet:
        """One whose certificate is over may have a new one, within a day."""
        return self._changed(by, name, lambda agent: self._desk.registry.approve(agent.id, by.name))

    def revoke(self, by: Identity, name: str) -> Agentlet:
        """Its next request is refused, and what waits for it ends."""
        return self._changed(by, name, lambda agent: self._desk.registry.revoke(agent.id, by.name))

    def remove(self, by: Identity, name: str) -> Agentlet:
        """The same, and it is not listed any more."""
        return self._changed(by, name, lambda agent: self._desk.registry.remove(agent.id, by.name))

    def label(self, by: Identity, name: str, labels: Mapping[str, str | None]) -> Agentlet:
        """Set labels; None takes one away."""
        wanted: dict[str, str | None] = dict(_labels({key: value or "" for key, value in labels.items()}))
        wanted.update({key: None for key, value in labels.items() if value is None})
        return self._changed(by, name, lambda agent: self._desk.registry.label(agent.id, wanted, by.name))

    # ---- within

    def _changed(self, by: Identity, name: str, act: Callable[[Agent], Agent]) -> Agentlet:
        agent = self._found(by, name)
        rights.refuse_unless(by, "agent.change")
        return self._shown(_told(lambda: act(agent), "agent"))

    def _found(self, by: Identity, name: str) -> Agent:
        try:
            agent = self._desk.registry.find(name)
            self._fleet.refuse_unseen(by, agent.host)
        except (UsageError, NotFound):
            raise NotFound(f"there is no agentlet {name!r}") from None
        return agent

    def _shown(self, agent: Agent) -> Agentlet:
        alive = liveness(agent, self._books.clock(), self._desk.timing) if agent.state == ACTIVE else agent.state
        return Agentlet(**{name: getattr(agent, name) for name in Agentlet.__struct_fields__ if name != "liveness"},
                        liveness=alive)


def _told(act: Callable[[], Told], field: str) -> Told:
    """What ``act`` returns; its `UsageError` as the API says it."""
    try:
        return act()
    except UsageError as error:
        if error.code in ("agent_ended", "agent_exists"):
            raise Conflict(error.message, code=error.code) from None
        raise wrong(field, error.message, code=error.code) from None


def _labels(labels: Mapping[str, str]) -> dict[str, Any]:
    if len(labels) > MOST_LABELS or any(not name or not (name + value).isprintable()
                                        or len(name) + len(value) > LONGEST_LABEL for name, value in labels.items()):
        raise wrong("labels", f"{MOST_LABELS} at most, each of {LONGEST_LABEL} printable characters")
    return dict(labels)
