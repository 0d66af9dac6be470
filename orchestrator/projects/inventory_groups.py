"""Groups of managed inventories, and who is in which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.access import rights
from orchestrator.access.rights import Identity
from orchestrator.projects.inventory_checks import (
    changed_vars,
    check_group_name,
    check_vars,
    refuse_circle,
    refuse_reaching_controller,
)
from orchestrator.projects.masking import masked_vars
from orchestrator.projects.sealed_vars import SealedVars
from orchestrator.projects.seen import is_admin
from orchestrator.refusals import Conflict, Malformed
from orchestrator.store.books import Books, found, refuse_stale
from orchestrator.store.managed_inventory import GROUP

if TYPE_CHECKING:
    from orchestrator.projects.inventories import Inventories

MOST_GROUPS = 2_000
MOST_MEMBERS = 20_000


class InventoryGroup(Struct):
    """``hosts`` and ``children``: those directly in it. As `InventoryGroups` shows it, secrets are masked."""

    inventory_id: str
    name: str
    vars: dict[str, Any]
    hosts: list[str]
    children: list[str]
    version: int
    created: datetime


class InventoryGroups:
    def __init__(self, books: Books, inventories: Inventories) -> None:
        self._books = books
        self._inventories = inventories
        self._sealing = SealedVars(books)
        self._table = books.table("inventory_groups", InventoryGroup)

    def list(self, by: Identity, inventory_id: str) -> Sequence[InventoryGroup]:
        """All of them, by name, with those members that whoever asks may see.

        Raises `NotFound` for an unknown inventory.
        """
        self._inventories.show(by, inventory_id)
        rows = self._rows(inventory_id)
        if rights.may(by, rights.VIEW, rights.Target(inventory_id)):
            return [_shown(row) for row in rows]
        seen = set(self._inventories.visible(by, inventory_id, sorted({host for row in rows for host in row.hosts})))
        parts = {row.name: [host for host in row.hosts if host in seen] for row in rows}
        return [replace(row, vars={}, hosts=parts[row.name], children=[one for one in row.children if parts.get(one)])
                for row in rows if parts[row.name]]

    def show(self, by: Identity, inventory_id: str, name: str) -> InventoryGroup:
        return found(next((row for row in self.list(by, inventory_id) if row.name == name), None), "group", name)

    def _show(self, inventory_id: str, name: str) -> InventoryGroup:
        return _shown(found(self._table.find('"inventory_id" = ? AND "name" = ?', inventory_id, name), "group", name))

    def create(self, by: Identity, inventory_id: str, name: str, *, vars: Mapping[str, Any] | None = None,
               hosts: Sequence[str] = (), children: Sequence[str] = ()) -> InventoryGroup:
        """Raises `Malformed` for hosts or children that are not there, or a circle; `Conflict` when it exists."""
        inventory = self._inventories.editable(by, inventory_id)
        books = self._books
        made = InventoryGroup(inventory_id, check_group_name(name), check_vars(vars or {}), list(dict.fromkeys(hosts)),
                              list(dict.fromkeys(children)), 1, books.clock())
        refuse_reaching_controller(made.vars, admin=is_admin(by))
        with books.transaction():
            rows = self._rows(inventory_id, lock=True)
            if any(row.name == name for row in rows):
                raise Conflict(f"there is a group {name!r} already", code="group_exists")
            if len(rows) >= MOST_GROUPS:
                raise Malformed(f"an inventory has {MOST_GROUPS} groups at most", code="too_many")
            self._check(made, rows)
            self._table.insert({**_row(made), **self._sealing.columns(inventory_id, GROUP, name, made.vars)})
            books.audit.write(by.name, "inventory.group.create", inventory_id, address=by.address,
                              name=inventory.name, group=name)
        return self._show(inventory_id, name)

    def change(self, by: Identity, inventory_id: str, name: str, version: int | None, *,
               vars: Mapping[str, Any] | None = None, hosts: Sequence[str] | None = None,
               children: Sequence[str] | None = None) -> InventoryGroup:
        """What is given replaces what there was; a mask among ``vars`` leaves what stood there."""
        inventory = self._inventories.editable(by, inventory_id)
        books = self._books
        with books.transaction():
            rows = self._rows(inventory_id, lock=True)
            before = found(next((row for row in rows if row.name == name), None), "group", name)
            refuse_stale(before.version, version, "group")
            kept: dict[str, Any] = {}
            if vars is not None:
                there = self._sealing.of_group(inventory_id, name)
                kept = self._sealing.columns(inventory_id, GROUP, name, changed_vars(vars, there, admin=is_admin(by)))
            after = replace(
                before, version=before.version + 1,
                hosts=before.hosts if hosts is None else list(dict.fromkeys(hosts)),
                children=before.children if children is None else list(dict.fromkeys(children)))
            self._check(after, rows, known=set(before.hosts))
            self._table.change({**_row(after), **kept}, '"inventory_id" = ? AND "name" = ?', inventory_id, name)
            books.audit.write(by.name, "inventory.group.change", inventory_id, address=by.address,
                              name=inventory.name, group=name)
        return self._show(inventory_id, name)

    def delete(self, by: Identity, inventory_id: str, name: str, version: int | None) -> None:
        """Its hosts stay in the inventory; groups that held it hold it no more."""
        inventory = self._inventories.editable(by, inventory_id)
        books = self._books
        with books.transaction():
            rows = self._rows(inventory_id, lock=True)
            row = found(next((row for row in rows if row.name == name), None), "group", name)
            refuse_stale(row.version, version, "group")
            self._table.delete('"inventory_id" = ? AND "name" = ?', inventory_id, name)
            for parent in rows:
                if name in parent.children:
                    left = [child for child in parent.children if child != name]
                    self._table.change({"children": left, "version": parent.version + 1},
                                       '"inventory_id" = ? AND "name" = ?', inventory_id, parent.name)
            books.audit.write(by.name, "inventory.group.delete", inventory_id, address=by.address,
                              name=inventory.name, group=name)

    def _rows(self, inventory_id: str, lock: bool = False) -> Sequence[InventoryGroup]:
        return self._table.all('"inventory_id" = ? ORDER BY "name"', inventory_id, lock=lock)

    def _check(self, group: InventoryGroup, rows: Sequence[InventoryGroup], known: Iterable[str] = ()) -> None:
        """Whether its members exist, and its children close no circle. ``known``: hosts that are members already."""
        if len(group.hosts) > MOST_MEMBERS:
            raise Malformed(f"a group has {MOST_MEMBERS} hosts at most", fields=[("hosts", "too many")])
        fresh = set(group.hosts) - set(known)
        if fresh:
            there = {str(name) for (name,) in self._books.database.select(
                'SELECT "name" FROM inventory_hosts WHERE "inventory_id" = ?', (group.inventory_id,))}
            unknown = sorted(fresh - there)
            if unknown:
                raise Malformed(f"there is no host {unknown[0]!r} in the inventory",
                                fields=[("hosts", f"unknown: {', '.join(unknown[:10])}")])
        children = {row.name: list(row.children) for row in rows} | {group.name: group.children}
        strangers = [child for child in group.children if child not in children]
        if strangers:
            raise Malformed(f"there is no group {strangers[0]!r} in the inventory",
                            fields=[("children", f"unknown: {', '.join(strangers[:10])}")])
        refuse_circle(children)


def memberships(groups: Iterable[InventoryGroup]) -> dict[str, list[str]]:
    """Host -> the groups it was put into itself."""
    found: dict[str, list[str]] = {}
    for group in groups:
        for host in group.hosts:
            found.setdefault(host, []).append(group.name)
    return found


def set_members(books: Books, inventory_id: str, groups: Sequence[InventoryGroup],
                wanted: Mapping[str, Sequence[str]]) -> None:
    """Within a transaction: put each host of ``wanted`` into these groups and no others; new groups are made."""
    table = books.table("inventory_groups", InventoryGroup)
    members: dict[str, set[str]] = {}
    for host, names in wanted.items():
        for name in names:
            members.setdefault(check_group_name(name, "groups"), set()).add(host)
    for group in groups:
        meant = members.pop(group.name, set())
        kept = [host for host in group.hosts if host not in wanted or host in meant]
        after = kept + sorted(meant - set(kept))
        if after != group.hosts:
            table.change({"hosts": after, "version": group.version + 1}, '"inventory_id" = ? AND "name" = ?',
                         inventory_id, group.name)
    if len(groups) + len(members) > MOST_GROUPS:
        raise Malformed(f"an inventory has {MOST_GROUPS} groups at most", code="too_many")
    now = books.clock()
    for name, hosts in sorted(members.items()):
        table.insert(_row(InventoryGroup(inventory_id, name, {}, sorted(hosts), [], 1, now)))


def _row(group: InventoryGroup) -> dict[str, Any]:
    return {name: getattr(group, name) for name in group.__struct_fields__}


def _shown(row: InventoryGroup) -> InventoryGroup:
    return replace(row, vars=masked_vars(row.vars))
