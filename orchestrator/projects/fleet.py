"""The fleet: every host that an inventory, an agentlet or a run knows, with what is known of it now.

One row of ``host_states`` each, so that a page of ten thousand hosts is one read by key.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from orchestrator.access import rights
from orchestrator.access.rights import Identity
from orchestrator.agents.records import ACTIVE, Agent, Timing
from orchestrator.agents.registry import liveness
from orchestrator.credentials.credentials import like
from orchestrator.projects.host_rows import ensure_rows, missing_rows
from orchestrator.projects.inventories import Inventories
from orchestrator.projects.inventory_groups import InventoryGroup
from orchestrator.refusals import Conflict, NotFound, wrong
from orchestrator.store.books import Books, found
from orchestrator.store.paging import Page, PageRequest, page_of
from orchestrator.store.table import marks

FAILING = ("failed", "unreachable", "lost", "interrupted")
SORTS = {"host": ("host",)}
STATUSES = ("ok", "changed", *FAILING, "never")
AT_ONCE = 1_000


class HostState(Struct):
    """A row without its facts, which may be large."""

    host: str
    last_run_id: str | None
    last_status: str | None
    last_message: str
    last_carrier: str
    drift_run_id: str | None
    drift_changes: int | None
    last_run: datetime | None
    last_ok: datetime | None
    drift_seen: datetime | None
    facts_seen: datetime | None


class InventoryName(Struct, frozen=True):
    id: str
    name: str


class HostAgent(Struct):
    """The agentlet of a host, as far as a list shows it."""

    id: str
    liveness: str
    last_seen: datetime | None
    version: str


class FleetHost(Struct):
    """``reach``: ``online``, ``late``, ``offline`` … by its agentlet; else ``reached`` or ``unreachable`` by its last
    run; ``unknown``."""

    host: str
    reach: str
    state: HostState
    inventories: list[InventoryName]
    agent: HostAgent | None


class Counts(Struct):
    hosts: int
    online: int
    failing: int
    drifted: int
    never_run: int
    agents: int


class Fleet:
    def __init__(self, books: Books, inventories: Inventories, timing: Timing | None = None) -> None:
        self._books = books
        self._inventories = inventories
        self._timing = timing or Timing()
        self._table = books.table("host_states", HostState)
        self._agents = books.table("agents", Agent)

    # ---- asking

    def list(self, by: Identity, page: PageRequest, *, search: str = "", inventory_id: str | None = None,
             group: str | None = None, status: str | None = None, drifted: bool | None = None) -> Page[FleetHost]:
        """By name. ``status``: one of `STATUSES`, or ``failing`` for all that are wrong."""
        if page.cursor is None:
            self.refresh()
        where, values = self._filter(by, search, inventory_id, group, status, drifted)
        rows = page_of(self._table, page, SORTS, where, *values)
        return Page([*self._joined(by, rows.items)], rows.next)

    def show(self, by: Identity, host: str) -> FleetHost:
        """Raises `NotFound`, for what one may not see too."""
        self.refuse_unseen(by, host)
        row = self._table.find('"host" = ?', host)
        if row is None and host in missing_rows(self._books.database):
            self.refresh()
            row = self._table.find('"host" = ?', host)
        return self._joined(by, [found(row, "host", host)])[0]

    def facts(self, by: Identity, host: str) -> dict[str, Any]:
        """What the host said of itself in its last run that gathered facts: data, never to be rendered."""
        self.refuse_unknown(by, host)
        facts: dict[str, Any] | None = self._books.table("host_states", HostState).value("facts", '"host" = ?', host)
        return facts or {}

    def counts(self, by: Identity) -> Counts:
        """Of the hosts that whoever asks may see."""
        self.refresh()
        where, values = self._filter(by)
        database = self._books.database
        rows = database.select(
            'SELECT "host", "last_status", "drift_changes", "last_run" FROM host_states WHERE ' + where,
            tuple(database.write["text"](value) if isinstance(value, str) else value for value in values))
        now = self._books.clock()
        alive = {agent.host: liveness(agent, now, self._timing)
                 for agent in self._agents.all('"state" = ?', ACTIVE)}
        hosts = {str(row[0]) for row in rows}
        reaches = [reach_of(row[1], alive.get(str(row[0]))) for row in rows]
        return Counts(
            len(rows), sum(reach in ("online", "reached") for reach in reaches),
            sum(row[1] in FAILING for row in rows), sum(bool(row[2]) for row in rows),
            sum(row[3] is None for row in rows), len(hosts & set(alive)))

    def refuse_unknown(self, by: Identity, host: str) -> None:
        """Raises `NotFound` for a host that nothing knows, and for what one may not see."""
        self.refuse_unseen(by, host)
        if not self._table.count('"host" = ?', host) and host not in missing_rows(self._books.database):
            raise NotFound(f"there is no host {host!r}")

    def refuse_unseen(self, by: Identity, host: str) -> None:
        if rights.may(by, rights.VIEW):
            return
        for grant in {grant.scope_id for grant in by.grants if grant.kind == rights.INVENTORY}:
            if self._has(grant, host) and self._inventories.visible(by, grant, [host]):
                return
        raise NotFound(f"there is no host {host!r}")

    # ---- changing

    def refresh(self) -> None:
        """Hosts of inventories and agentlets that have no row yet get one."""
        missing = missing_rows(self._books.database)
        if missing:
            with self._books.transaction():
                ensure_rows(self._books.database, missing)

    def forget(self, by: Identity, host: str) -> None:
        """Take out a host that no inventory and no agentlet has any more. Its results stay with the runs."""
        rights.refuse_unless(by, "inventory.create")
        shown = self.show(by, host)
        if shown.inventories or shown.agent:
            names = [f"inventory {one.name!r}" for one in shown.inventories] + (["its agentlet"] if shown.agent else [])
            raise Conflict(f"{host} is known still: {', '.join(names)}", code="host_known")
        with self._books.transaction():
            self._table.delete('"host" = ?', host)
            self._books.audit.write(by.name, "host.forget", host, address=by.address)

    # ---- within

    def _filter(self, by: Identity, search: str = "", inventory_id: str | None = None, group: str | None = None,
                status: str | None = None, drifted: bool | None = None) -> tuple[str, Sequence[Any]]:
        where: Sequence[str] = ["1 = 1"]
        values: Sequence[Any] = []
        if search:
            where, values = [*where, """lower("host") LIKE ? ESCAPE '!'"""], [*values, like(search)]
        if inventory_id is not None:
            self._inventories.refuse_unseen(by, inventory_id)
            if group is None:
                where = [*where, '"host" IN (SELECT "name" FROM inventory_hosts WHERE "inventory_id" = ?)']
                values = [*values, inventory_id]
            else:
                where, values = _within(where, values, self._members(inventory_id, group))
        elif group is not None:
            raise wrong("group", "is asked for within an inventory")
        if status is not None:
            clause, more = _status(status)
            where, values = [*where, clause], [*values, *more]
        if drifted is not None:
            where = [*where, '"drift_changes" > 0' if drifted else '("drift_changes" IS NULL OR "drift_changes" = 0)']
        seen = self.visible(by)
        if seen is not None:
            where, values = _within(where, values, seen)
        return " AND ".join(where), values

    def visible(self, by: Identity) -> Sequence[str] | None:
        """The hosts that grants let whoever asks see; None: all there are."""
        if rights.may(by, rights.VIEW):
            return None
        seen: set[str] = set()
        for inventory_id in {grant.scope_id for grant in by.grants if grant.kind == rights.INVENTORY}:
            names = [str(name) for (name,) in self._books.database.select(
                'SELECT "name" FROM inventory_hosts WHERE "inventory_id" = ?', (inventory_id,))]
            seen.update(self._inventories.visible(by, inventory_id, names))
        return sorted(seen)

    def _members(self, inventory_id: str, group: str) -> Sequence[str]:
        """Hosts of a group and of those below it."""
        rows = {row.name: row for row in self._books.table("inventory_groups", InventoryGroup).all(
            '"inventory_id" = ?', inventory_id)}
        seen, waiting, hosts = set(), [group], set()
        while waiting:
            row = rows.get(waiting.pop())
            if row is not None and row.name not in seen:
                seen.add(row.name)
                hosts.update(row.hosts)
                waiting += row.children
        return sorted(hosts)

    def _has(self, inventory_id: str, host: str) -> bool:
        return bool(self._books.database.select(
            'SELECT 1 FROM inventory_hosts WHERE "inventory_id" = ? AND "name" = ?',
            (inventory_id, self._books.database.write["text"](host))))

    def _joined(self, by: Identity, rows: Sequence[HostState]) -> Sequence[FleetHost]:
        """With the inventories and the agentlet of each: of inventories, those that whoever asks may see it in."""
        names = [row.host for row in rows]
        if not names:
            return []
        database, now = self._books.database, self._books.clock()
        written = tuple(map(database.write["text"], names))
        within: dict[InventoryName, list[str]] = {}
        for host, inventory_id, name in database.select(
                'SELECT h."name", i."id", i."name" FROM inventory_hosts h JOIN inventories i ON i."id" ='
                f' h."inventory_id" WHERE h."name" IN ({marks(names)}) ORDER BY i."name"', written):
            within.setdefault(InventoryName(str(inventory_id), str(name)), []).append(str(host))
        inventories: dict[str, list[InventoryName]] = {}
        for inventory, hosts in within.items():
            for host in self._inventories.visible(by, inventory.id, hosts):
                inventories.setdefault(host, []).append(inventory)
        agents = {agent.host: HostAgent(agent.id, liveness(agent, now, self._timing), agent.last_seen, agent.version)
                  for agent in self._agents.all(f'"state" = ? AND "host" IN ({marks(names)})', ACTIVE, *names)}
        alive = {host: agent.liveness for host, agent in agents.items()}
        return [FleetHost(row.host, reach_of(row.last_status, alive.get(row.host)), row,
                          inventories.get(row.host, []), agents.get(row.host)) for row in rows]


def reach_of(last_status: str | None, liveness: str | None) -> str:
    """Pure. An agentlet that was never heard of says nothing about a host that SSH reaches."""
    if liveness not in (None, "new"):
        assert liveness is not None
        return liveness
    if last_status is None:
        return "unknown"
    return "unreachable" if last_status in ("unreachable", "lost") else "reached"


def _status(status: str) -> tuple[str, Sequence[Any]]:
    if status == "failing":
        return f'"last_status" IN ({marks(FAILING)})', FAILING
    if status == "never":
        return '"last_run" IS NULL', ()
    if status not in STATUSES:
        raise wrong("status", f"one of failing, {', '.join(STATUSES)}")
    return '"last_status" = ?', (status,)


def _within(where: Sequence[str], values: Sequence[Any], hosts: Sequence[str]) -> tuple[Sequence[str], Sequence[Any]]:
    """Only these hosts: a list of them in pieces, since databases bound the values of one."""
    parts = [hosts[start:start + AT_ONCE] for start in range(0, len(hosts), AT_ONCE)]
    clause = " OR ".join(f'"host" IN ({marks(part)})' for part in parts) or "1 = 0"
    return [*where, f"({clause})"], [*values, *hosts]
