"""Hosts of managed inventories, one by one and two hundred at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

from orchestrator.access.rights import Identity
from orchestrator.credentials.credentials import LIKE, like
from orchestrator.projects.host_rows import drop_rows, ensure_rows
from orchestrator.projects.inventories import Inventories
from orchestrator.projects.inventory_checks import (
    changed_vars,
    check_host_name,
    check_vars,
    refuse_reaching_controller,
)
from orchestrator.projects.inventory_groups import InventoryGroup, memberships, set_members
from orchestrator.projects.masking import masked_vars
from orchestrator.projects.sealed_vars import SealedVars
from orchestrator.projects.seen import is_admin
from orchestrator.projects.taken_names import refuse_taken
from orchestrator.refusals import Conflict, Malformed, NotFound
from orchestrator.store.books import Books, found, refuse_stale
from orchestrator.store.managed_inventory import HOST
from orchestrator.store.paging import Page, PageRequest, seen_page

MOST_AT_ONCE = 200
SORTS = {"name": ("name",)}


class HostRow(Struct):
    inventory_id: str
    name: str
    vars: dict[str, Any]
    enabled: bool
    version: int
    created: datetime


class InventoryHost(Struct):
    """As it is shown: what is secret among ``vars`` is masked. ``groups``: those it was put into itself."""

    inventory_id: str
    name: str
    vars: dict[str, Any]
    enabled: bool
    version: int
    created: datetime
    groups: list[str]


class NewHost(Struct, forbid_unknown_fields=True):
    """``groups`` that do not exist are made."""

    name: str
    vars: dict[str, Any] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)
    enabled: bool = True


class InventoryHosts:
    def __init__(self, books: Books, inventories: Inventories) -> None:
        self._books = books
        self._inventories = inventories
        self._sealing = SealedVars(books)
        self._table = books.table("inventory_hosts", HostRow)
        self._groups = books.table("inventory_groups", InventoryGroup)

    def list(self, by: Identity, inventory_id: str, page: PageRequest, *, search: str = "") -> Page[InventoryHost]:
        """By name, without those that whoever asks may not see. Raises `NotFound` for an unknown inventory."""
        self._inventories.show(by, inventory_id)
        where, values = ['"inventory_id" = ?'], [inventory_id]
        if search:
            where.append(LIKE)
            values.append(like(search))

        def seen(found: Sequence[HostRow]) -> Iterable[HostRow]:
            names = set(self._inventories.visible(by, inventory_id, [row.name for row in found]))
            return [row for row in found if row.name in names]

        rows = seen_page(self._table, page, SORTS, seen, " AND ".join(where), *values)
        direct = memberships(self._groups.all('"inventory_id" = ?', inventory_id))
        return Page([_shown(row, direct.get(row.name, [])) for row in rows.items], rows.next)

    def show(self, by: Identity, inventory_id: str, name: str) -> InventoryHost:
        """Raises `NotFound`."""
        if not self._inventories.visible(by, inventory_id, [name]):
            raise NotFound(f"there is no host {name!r}")
        return self._show(inventory_id, name)

    def _show(self, inventory_id: str, name: str) -> InventoryHost:
        row = found(self._table.find('"inventory_id" = ? AND "name" = ?', inventory_id, name), "host", name)
        groups = self._groups.all('"inventory_id" = ?', inventory_id)
        return _shown(row, memberships(groups).get(name, []))

    def add(self, by: Identity, inventory_id: str, hosts: Sequence[NewHost]) -> Sequence[str]:
        """Add up to 200 hosts, all of them or none; returns their names.

        Raises `Malformed` with each field that is wrong, `Conflict` when one is there already, or is another's.
        """
        inventory = self._inventories.editable(by, inventory_id)
        names = _checked(hosts, is_admin(by))
        refuse_taken(self._books, self._inventories, by, names)
        books, now = self._books, self._books.clock()
        with books.transaction():
            groups = self._groups.all('"inventory_id" = ? ORDER BY "name"', inventory_id, lock=True)
            there = [name for name in names
                     if self._table.count('"inventory_id" = ? AND "name" = ?', inventory_id, name)]
            if there:
                raise Conflict(f"{', '.join(there[:5])} {'is' if len(there) == 1 else 'are'} in the inventory already",
                               code="host_exists")
            self._table.insert(*[{
                "inventory_id": inventory_id, "name": host.name, "enabled": host.enabled, "version": 1, "created": now,
                **self._sealing.columns(inventory_id, HOST, host.name, host.vars)} for host in hosts])
            set_members(books, inventory_id, groups, {host.name: host.groups for host in hosts})
            ensure_rows(books.database, names)
            books.audit.write(by.name, "inventory.hosts.add", inventory_id, address=by.address,
                              name=inventory.name, count=len(names), hosts=names[:20])
        return names

    def change(self, by: Identity, inventory_id: str, name: str, version: int | None, *,
               vars: Mapping[str, Any] | None = None, enabled: bool | None = None,
               groups: Sequence[str] | None = None) -> InventoryHost:
        """What is given replaces what there was; a mask among ``vars`` leaves what stood there.

        Whoever may change this host alone may not move it: its groups are what the right comes from.
        """
        inventory = self._inventories.editable(by, inventory_id, [name] if groups is None else ())
        books = self._books
        with books.transaction():
            there = self._groups.all('"inventory_id" = ? ORDER BY "name"', inventory_id, lock=True)
            before = found(self._table.find('"inventory_id" = ? AND "name" = ?', inventory_id, name, lock=True),
                           "host", name)
            refuse_stale(before.version, version, "host")
            changes: dict[str, Any] = {"version": before.version + 1}
            if vars is not None:
                values = changed_vars(vars, self._sealing.of_host(inventory_id, name), admin=is_admin(by))
                changes |= self._sealing.columns(inventory_id, HOST, name, values)
            if enabled is not None:
                changes["enabled"] = enabled
            self._table.change(changes, '"inventory_id" = ? AND "name" = ?', inventory_id, name)
            if groups is not None:
                set_members(books, inventory_id, there, {name: groups})
            moved = {"groups"} if groups is not None else set()
            books.audit.write(by.name, "inventory.host.change", inventory_id, address=by.address,
                              name=inventory.name, host=name,
                              fields=sorted((changes.keys() | moved) - {"version", "sealed"}))
        return self._show(inventory_id, name)

    def remove(self, by: Identity, inventory_id: str, names: Sequence[str], version: int | None = None) -> int:
        """Take up to 200 hosts out, and out of their groups; returns how many there were.

        ``version``: that of the one host, when it is one.
        """
        inventory = self._inventories.editable(by, inventory_id)
        if len(names) > MOST_AT_ONCE:
            raise Malformed(f"one call takes {MOST_AT_ONCE} at most", code="too_many")
        books, count = self._books, 0
        with books.transaction():
            there = self._groups.all('"inventory_id" = ? ORDER BY "name"', inventory_id, lock=True)
            if len(names) == 1:
                row = found(self._table.find('"inventory_id" = ? AND "name" = ?', inventory_id, names[0]), "host",
                            names[0])
                refuse_stale(row.version, version, "host")
            for name in names:
                count += self._table.delete('"inventory_id" = ? AND "name" = ?', inventory_id, name)
            set_members(books, inventory_id, there, {name: [] for name in names})
            drop_rows(books.database, list(names))
            books.audit.write(by.name, "inventory.hosts.remove", inventory_id, address=by.address,
                              name=inventory.name, count=count, hosts=list(names[:20]))
        return count


def _checked(hosts: Sequence[NewHost], admin: bool) -> list[str]:
    """Their names; raises `Malformed` for all that is wrong with them."""
    if not 1 <= len(hosts) <= MOST_AT_ONCE:
        raise Malformed(f"one call adds 1 to {MOST_AT_ONCE} hosts", code="too_many")
    wrong: list[tuple[str, str]] = []
    seen: set[str] = set()
    for number, host in enumerate(hosts):
        where = f"hosts[{number}]"
        try:
            check_host_name(host.name, f"{where}.name")
            refuse_reaching_controller(check_vars(host.vars, f"{where}.vars"), admin=admin, path=f"{where}.vars")
        except Malformed as error:
            wrong += error.fields
        if host.name in seen:
            wrong.append((f"{where}.name", "is there twice"))
        seen.add(host.name)
    if wrong:
        raise Malformed("these hosts cannot be added", fields=wrong)
    return [host.name for host in hosts]


def _shown(row: HostRow, groups: Sequence[str]) -> InventoryHost:
    return InventoryHost(**{**asdict(row), "vars": masked_vars(row.vars)}, groups=sorted(groups))
