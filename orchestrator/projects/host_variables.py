"""The variables of a host of an inventory, each with the layers that set it and the one that wins.

Values are shown as they are written: templates are not rendered, since that may run lookups on the server for whoever
looks; secrets are masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from orchestrator.access.rights import Identity
from orchestrator.engine.agentlet_inventory import MANAGED
from orchestrator.projects.inventories import Inventories
from orchestrator.projects.masking import masked
from orchestrator.projects.paths import Tree
from orchestrator.refusals import NotFound
from orchestrator.template.types import Template
from orchestrator.variables.layers import Layered

NOWHERE = "/nonexistent"
MAGIC_LAYERS = frozenset({"magic variables"})


class Setting(Struct):
    """One layer. ``place``: file:line within the project."""

    layer: str
    place: str
    value: Any


class HostVariable(Struct):
    """``value`` is that of the winning layer, the last of ``layers``. ``is_template``: a run will render it."""

    name: str
    value: Any
    is_template: bool
    layers: list[Setting]


class HostVariables(Struct):
    host: str
    groups: list[str]
    variables: list[HostVariable]
    warnings: list[str]


def variables_of(inventories: Inventories, by: Identity, inventory_id: str, host: str) -> HostVariables:
    """Raises `NotFound`, and `OrchError` when a file of the inventory cannot be read."""
    inventories.refuse_unseen(by, inventory_id)
    if not inventories.visible(by, inventory_id, [host]):
        raise NotFound(f"there is no host {host!r}")
    loaded = inventories.loaded(inventory_id)
    if host not in loaded.hosts:
        raise NotFound(f"there is no host {host!r} in the inventory")
    scope, tree, warnings = _scope(inventories, inventory_id, host, loaded)
    found = []
    for name in sorted(map(str, scope.names())):
        layers = [one for one in scope.explain(name) if one.layer not in MAGIC_LAYERS]
        if layers:
            found.append(HostVariable(name, masked(name, layers[-1].value), _is_template(layers[-1].value),
                                      [_setting(name, one, tree, inventory_id) for one in layers]))
    return HostVariables(host, [group.name for group in loaded.groups_of(host)], found, warnings)


def _scope(inventories: Inventories, inventory_id: str, host: str, loaded: Any) -> tuple[Any, Tree | None, list[str]]:
    """What a task would see on the host, of group_vars and host_vars beside the inventory's files too."""
    from orchestrator.content.loader import ContentLoader
    from orchestrator.content.vault import Vault
    from orchestrator.engine.setup import inventory_dirs
    from orchestrator.template.engine import Engine
    from orchestrator.variables.store import VariableStore

    warnings: list[str] = []
    tree = inventories.tree_of(inventory_id)
    sources = [] if tree is None else [source for source in inventories.sources_of(inventory_id)
                                       if not source.startswith(MANAGED)]
    content = ContentLoader(Vault(), on_duplicate=warnings.append)
    variables = VariableStore(loaded, Engine(warn=warnings.append), content, {}, str(tree.root) if tree else NOWHERE,
                              inventory_dirs=inventory_dirs(sources))
    return variables.scope(host), tree, warnings


def _setting(name: str, one: Layered, tree: Tree | None, inventory_id: str) -> Setting:
    place = str(one.origin) if one.origin else ""
    layer = one.layer
    if tree is not None:
        root = f"{tree.root}/"
        place, layer = place.replace(root, ""), layer.replace(root, "")
    source = MANAGED + inventory_id
    return Setting(layer.replace(f"({source})", "(this inventory)"), "" if place == source else place,
                   masked(name, one.value))


def _is_template(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_is_template, value.values()))
    if isinstance(value, list):
        return any(map(_is_template, value))
    return isinstance(value, Template)
