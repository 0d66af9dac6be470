"""A managed inventory as the mapping that an inventory script would print: how runs, the API and the page read it.

Its rows are data: whoever edits them through the API is nobody whose templates a controller renders. Of a variable that
holds a secret the row's ``vars`` have masks, and ``sealed`` the whole of it, encrypted for that row alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from orchestrator.errors import StoreError
from orchestrator.store.database import Database
from orchestrator.store.table import Table

SEAL = "inventory"
HOST, GROUP = "host", "group"
Unseal = Callable[[str, bytes], dict[str, Any]]
"""(place, what is sealed there) -> the variables in it; raises `StoreError`."""


class HostLine(Struct):
    name: str
    vars: dict[str, Any]
    enabled: bool = True
    sealed: bytes | None = None


class GroupLine(Struct):
    name: str
    vars: dict[str, Any]
    hosts: list[str]
    children: list[str]
    sealed: bytes | None = None


class Head(Struct):
    id: str
    vars: dict[str, Any]
    sealed: bytes | None = None


def place_of(inventory_id: str, kind: str = "", name: str = "") -> str:
    """What a seal is bound to: the inventory's own variables, or those of one host or group of it."""
    return f"{inventory_id}:{kind}:{name}"


def read_managed(database: Database, inventory_id: str, unseal: Unseal | None = None) -> dict[str, Any]:
    """The inventory of that id. Raises `StoreError` when there is none.

    ``unseal`` is called for rows with secrets only; without it these are masks.
    """
    head, hosts, groups = _rows(database, inventory_id)
    if unseal is not None:
        for row, place in _sealed_rows(head, hosts, groups):
            assert row.sealed is not None
            row.vars = {**row.vars, **unseal(place, row.sealed)}
    return as_script(head.vars, hosts, groups)


def read_secrets(database: Database, inventory_id: str, unseal: Unseal) -> dict[str, dict[str, Any]]:
    """By place, the variables that hold secrets: what a run's process is given, which has no master key."""
    return {place: unseal(place, row.sealed) for row, place in _sealed_rows(*_rows(database, inventory_id))
            if row.sealed is not None}


def _rows(database: Database, inventory_id: str) -> tuple[Head, list[HostLine], list[GroupLine]]:
    head = Table(database, "inventories", Head).find('"id" = ?', inventory_id)
    if head is None:
        raise StoreError(f"there is no inventory {inventory_id!r}", code="inventory_unknown",
                         hint="it was deleted since the run was asked for")
    hosts = Table(database, "inventory_hosts", HostLine).all('"inventory_id" = ? ORDER BY "name"', inventory_id)
    groups = Table(database, "inventory_groups", GroupLine).all('"inventory_id" = ? ORDER BY "name"', inventory_id)
    return head, hosts, groups


def _sealed_rows(head: Head, hosts: Iterable[HostLine],
                 groups: Iterable[GroupLine]) -> list[tuple[Head | HostLine | GroupLine, str]]:
    found: list[tuple[Head | HostLine | GroupLine, str]] = [(head, place_of(head.id))]
    found += [(host, place_of(head.id, HOST, host.name)) for host in hosts]
    found += [(group, place_of(head.id, GROUP, group.name)) for group in groups]
    return [(row, place) for row, place in found if row.sealed is not None]


def as_script(all_vars: Mapping[str, Any], hosts: Iterable[HostLine], groups: Iterable[GroupLine]) -> dict[str, Any]:
    """Groups by name and ``_meta.hostvars``. Hosts that are switched off are left out of everything. Pure.

    All are in ``all`` first, so that their order in a run is that of ``hosts``.
    """
    there = {host.name: dict(host.vars) for host in hosts if host.enabled}
    listed: dict[str, Any] = {"all": {"hosts": list(there), "vars": dict(all_vars)}}
    for group in groups:
        known = listed.setdefault(group.name, {"hosts": [], "vars": {}})
        known["vars"].update(group.vars)
        known["hosts"] += [name for name in group.hosts if name in there]
        known["children"] = list(group.children)
    return {**listed, "_meta": {"hostvars": there}}
