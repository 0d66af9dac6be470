"""A managed inventory as the mapping that an inventory script would print: how runs, the API and the page read it.

Its rows are data: whoever edits them through the API is nobody whose templates a controller renders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from orchestrator.errors import StoreError
from orchestrator.store.database import Database
from orchestrator.store.table import Table


class HostLine(Struct):
    name: str
    vars: dict[str, Any]
    enabled: bool = True


class GroupLine(Struct):
    name: str
    vars: dict[str, Any]
    hosts: list[str]
    children: list[str]


class _Head(Struct):
    id: str
    vars: dict[str, Any]


def read_managed(database: Database, inventory_id: str) -> dict[str, Any]:
    """The inventory of that id. Raises `StoreError` when there is none."""
    head = Table(database, "inventories", _Head).find('"id" = ?', inventory_id)
    if head is None:
        raise StoreError(f"there is no inventory {inventory_id!r}", code="inventory_unknown",
                         hint="it was deleted since the run was asked for")
    hosts = Table(database, "inventory_hosts", HostLine).all('"inventory_id" = ? ORDER BY "name"', inventory_id)
    groups = Table(database, "inventory_groups", GroupLine).all('"inventory_id" = ? ORDER BY "name"', inventory_id)
    return as_script(head.vars, hosts, groups)


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
