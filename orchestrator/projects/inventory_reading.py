"""An inventory's row as what a run sees of it: its sources, its hosts and groups, and what they come to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from orchestrator.engine.agentlet_inventory import MANAGED, SOURCE
from orchestrator.projects.paths import Tree
from orchestrator.refusals import Malformed
from orchestrator.store.database import Database
from orchestrator.store.managed_inventory import Unseal, read_managed

if TYPE_CHECKING:
    from inventory import Inventory as Loaded
    from orchestrator.projects.projects import Projects


class Row(Protocol):
    """What is asked of an inventory's row."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def project_id(self) -> str | None: ...
    @property
    def sources(self) -> list[str]: ...


def tree_of(projects: Projects, row: Row) -> Tree | None:
    """The files that an inventory's are among; None for one that has none."""
    return projects.tree(row.project_id) if row.project_id else None


def sources_of(projects: Projects, row: Row) -> tuple[str, ...]:
    """What stands as ``inventory`` in a run's options. Raises `NotFound` for a file that is not there."""
    if row.kind == "managed":
        return (MANAGED + row.id,)
    tree = tree_of(projects, row)
    return tuple(str(tree.file(source)) if tree is not None and source != SOURCE else source for source in row.sources)


def loaded(database: Database, projects: Projects, row: Row, unseal: Unseal | None = None) -> Loaded:
    """The inventory as a run would see it now, group_vars and host_vars files aside. Raises `OrchError`.

    Without ``unseal`` the secrets of a managed one are masks.
    """
    import inventory
    from orchestrator.content.vault import Vault
    from orchestrator.engine.setup import load_inventory

    sources = sources_of(projects, row)
    if row.kind == "managed":
        return inventory.load(sources, provided={sources[0]: lambda: read_managed(database, row.id, unseal)})
    runs_here = row.project_id is None or projects.row(row.project_id).runs_here
    return load_inventory(sources, Vault(), [], provided={SOURCE: projects.enrolled}, runs_scripts=runs_here)


def chosen(found: Loaded, pattern: str) -> tuple[Sequence[str], Sequence[str]]:
    """The hosts that a limit means, and warnings. Raises `Malformed` for what is no pattern."""
    from inventory import InventoryError

    if pattern.lstrip().startswith("@"):
        raise Malformed("a limit names hosts and groups, no file", fields=[("limit", "must not begin with @")])
    try:
        selected = found.select("all", pattern or None)
    except InventoryError as error:
        raise Malformed(error.message, hint=error.hint, fields=[("limit", error.message)]) from None
    return [name for name in selected.hosts if not found.hosts[name].implicit], selected.warnings


def digest_of(found: Loaded) -> str:
    """Over hosts, groups and variables as they are written."""
    said = {"hosts": {name: [list(host.groups), host.vars] for name, host in found.hosts.items()},
            "groups": {name: [list(group.children), group.vars] for name, group in found.groups.items()}}
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=repr).encode()).hexdigest()
