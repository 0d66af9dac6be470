"""What a dynamic source says, as the mapping that Ansible's inventory scripts print. Data, and never a template."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from inventory.errors import InventoryError
from inventory.inventory import Inventory
from inventory.model import Layer, Place
from inventory.names import MAX_LENGTH
from inventory.sources.grouping import check_group_name, give_group

_SECTIONS = ("hosts", "vars", "children")


def read_dynamic(inventory: Inventory, data: dict[str, Any], place: Place,
                 variables_of: Callable[[str], object]) -> None:
    """Groups by name, and hosts' variables below ``_meta.hostvars``; where that is missing, ``variables_of`` a host.

    Raises InventoryError for what is no inventory.
    """
    meta = data.pop("_meta", None)
    for name, group in data.items():
        _group(inventory, name, group, place)
    inventory_names = _mentioned(data)
    hostvars = meta.get("hostvars") if isinstance(meta, Mapping) else None
    if hostvars is not None and not isinstance(hostvars, Mapping):
        raise InventoryError("_meta.hostvars must be an object", place.file)
    for name in inventory_names:
        if hostvars is None:
            _give_host(inventory, name, variables_of(name), place)
        elif name in hostvars:
            _give_host(inventory, name, hostvars[name], place)
    for name in hostvars or ():
        if name not in inventory_names:
            inventory.put_host(name, None, place)
            _give_host(inventory, name, hostvars[name] if hostvars else {}, place)


def _group(inventory: Inventory, name: str, data: object, place: Place) -> None:
    group = check_group_name(inventory, name, place)
    inventory.put_group(group, place)
    if isinstance(data, Mapping) and not any(section in data for section in _SECTIONS):
        data = {"hosts": [name], "vars": data} if data else {}
    if isinstance(data, list):
        data = {"hosts": data}
    if not isinstance(data, Mapping):
        raise InventoryError(f"group {name!r} must be an object or a list of hosts", place.file)
    for host in _names(data, "hosts", name, place):
        inventory.put_host(host, group, place)
    if not isinstance(data.get("vars") or {}, Mapping):
        raise InventoryError(f"vars of group {name!r} must be an object", place.file)
    if data.get("vars"):
        give_group(inventory, group, Layer(data["vars"], place, trusted=False))
    for child in _names(data, "children", name, place):
        below = check_group_name(inventory, child, place)
        inventory.put_group(below, place)
        inventory.put_child(group, below, place)


def _names(data: Mapping[str, Any], section: str, group: str, place: Place) -> list[str]:
    names = data.get(section) or []
    if isinstance(names, Mapping):
        names = list(names)
    if not isinstance(names, list) or not all(isinstance(n, str) and n for n in names):
        raise InventoryError(f"{section} of group {group!r} must be a list of names", place.file)
    if any(len(name) > MAX_LENGTH for name in names):
        raise InventoryError(f"{section} of group {group!r} has a name of over {MAX_LENGTH} characters", place.file)
    return names


def _mentioned(data: Mapping[str, Any]) -> dict[str, None]:
    names: dict[str, None] = {}
    for name, group in data.items():
        hosts = group if isinstance(group, list) else group.get("hosts") or []
        if isinstance(group, Mapping) and group and not any(section in group for section in _SECTIONS):
            hosts = [name]
        names.update(dict.fromkeys(hosts))
    return names


def _give_host(inventory: Inventory, name: str, values: object, place: Place) -> None:
    if not isinstance(values, Mapping):
        raise InventoryError(f"the variables of host {name!r} must be an object", place.file)
    if values:
        inventory.hosts[name].add_layer(Layer(values, place, trusted=False))
