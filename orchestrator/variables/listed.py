"""What the inventory, and the files beside it and beside the playbook, say of the hosts that somebody listed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.content.trust import adopt
from orchestrator.variables.files import VarsDirectory
from orchestrator.variables.merging import laid_over

if TYPE_CHECKING:
    from orchestrator.content.loader import ContentLoader

Placed = list[tuple[str, Mapping[str, Any], Callable[[str], Any] | None]]
"""Layers, each with what tells where it sets a name (None: the mapping itself may know)."""

LOCALHOST = frozenset({"localhost", "127.0.0.1", "::1"})


class ListedHosts:
    """The hosts of an inventory with their variables, layers 3 to 10. Merged for a host when it is first asked for."""

    def __init__(
        self, inventory: Any, content: ContentLoader | None, inventory_dirs: Sequence[str], playbook_dir: str,
        merges_mappings: bool,
    ) -> None:
        self._inventory = inventory
        self._merges_mappings = merges_mappings
        self._inventory_dirs = [VarsDirectory(path, content) for path in dict.fromkeys(inventory_dirs)]
        self._playbook_dirs = [VarsDirectory(playbook_dir, content)]
        self._bases: dict[str, dict[str, Any]] = {}
        self._groups: dict[str, list[str]] | None = None

    def changed(self) -> None:
        """Hosts or groups were added."""
        self._bases.clear()
        self._groups = None

    def reloaded(self) -> None:
        """The inventory's sources were read again: so are the files beside them."""
        for folder in (*self._inventory_dirs, *self._playbook_dirs):
            folder.forget()
        self.changed()

    def base(self, host: str) -> dict[str, Any]:
        """The host's inventory variables, merged once. A host that nobody knows has none."""
        base = self._bases.get(host)
        if base is None:
            base = {}
            for _, values, _ in self.layers(host):
                base.update(laid_over(base, values) if self._merges_mappings else values)
            base = self._bases[host] = {name: adopt(value) for name, value in base.items()}
        return base

    def layers(self, host: str) -> Placed:
        """Lowest first, each with the group or the file it is of."""
        groups = self._group_list(host)
        layers: Placed = []
        for name in ["all", *groups]:
            layers += _holder_layers(f"inventory group vars ({name})", self._inventory.groups.get(name))
        for label, directories, chosen in (
            ("inventory group_vars/all", self._inventory_dirs, ["all"]),
            ("playbook group_vars/all", self._playbook_dirs, ["all"]),
            ("inventory group_vars", self._inventory_dirs, groups),
            ("playbook group_vars", self._playbook_dirs, groups),
        ):
            layers += _files(label, directories, "group_vars", chosen)
        layers += _holder_layers("inventory host vars", self._entry(host))
        layers += _files("inventory host_vars", self._inventory_dirs, "host_vars", [host])
        layers += _files("playbook host_vars", self._playbook_dirs, "host_vars", [host])
        return layers

    def names(self) -> list[str]:
        """Every host that someone listed: the implicit localhost is none of them."""
        return [name for name, host in self._inventory.hosts.items() if not getattr(host, "implicit", False)]

    def group_names(self, host: str) -> list[str]:
        """Sorted, without ``all``."""
        return sorted(self._group_list(host))

    def group_hosts(self) -> dict[str, list[str]]:
        """``groups``: every group with the hosts in it and in its children."""
        if self._groups is None:
            listed = self.names()
            known = frozenset(listed)
            hosts_of = self._inventory.hosts_of
            members = {name: [h for h in hosts_of(name) if h in known] for name in self._inventory.groups}
            self._groups = {**members, "all": listed}
        return self._groups

    def knows(self, host: str) -> bool:
        """Whether it has variables: a host of the inventory, or the localhost that needs no listing."""
        return host in self._inventory.hosts or host in LOCALHOST

    def lacks(self, host: str) -> bool:
        """Whether it is the localhost that nobody listed."""
        return host in LOCALHOST and getattr(self._inventory.hosts.get(host), "implicit", True)

    def _entry(self, host: str) -> Any:
        """The inventory's host, the implicit localhost included."""
        find = getattr(self._inventory, "host", None)
        return find(host) if find is not None else self._inventory.hosts.get(host)

    def _group_list(self, host: str) -> list[str]:
        if host not in self._inventory.hosts:
            return []
        names = [getattr(group, "name", group) for group in self._inventory.groups_of(host)]
        return [name for name in names if name != "all"]


def _files(label: str, directories: list[VarsDirectory], kind: str, names: list[str]) -> Placed:
    return [
        (f"{label} ({path})", values, None)
        for name in names for directory in directories for path, values in directory.read(kind, name)
    ]


def _holder_layers(label: str, holder: Any) -> Placed:
    """The variables of a host or group: layer by layer where the inventory keeps them apart."""
    if holder is None:
        return []
    layers = getattr(holder, "layers", None)
    if layers is None:
        return [(label, holder.vars, None)] if holder.vars else []
    return [(label, layer.values, layer.place_of) for layer in layers]
