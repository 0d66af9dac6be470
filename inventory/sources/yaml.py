"""Ansible's YAML inventory: groups with ``hosts``, ``vars`` and ``children``, nested."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from inventory.errors import InventoryError
from inventory.inventory import Inventory
from inventory.model import Layer, Place
from inventory.sources.context import Context
from inventory.sources.grouping import check_group_name, give_group, names_of

_SECTIONS = ("hosts", "vars", "children")
MAX_DEPTH = 50


def read_yaml(inventory: Inventory, text: str, file: str, context: Context) -> None:
    """Fill ``inventory`` from YAML text; raises InventoryError for a shape that is no inventory."""
    fill(inventory, context.parse_yaml(text, file), file)


def fill(inventory: Inventory, data: Any, file: str) -> None:
    """Put the groups of ``data`` into ``inventory``; raises InventoryError for a shape that is no inventory."""
    if data is None:
        return
    if not isinstance(data, Mapping):
        raise InventoryError(f"an inventory is a mapping of groups, not {_kind(data)}", file, 1,
                             hint="begin with 'all:' and, below it, 'hosts:'")
    if "plugin" in data and not isinstance(data["plugin"], Mapping):
        raise InventoryError(
            f"this is a configuration for the inventory plugin {data['plugin']!r}, which orch does not have",
            file, _place(data, "plugin", file).line,
            hint="run 'ansible-inventory -i FILE --list' into a file, or give its output through an executable script")
    reader = _Reader(inventory, file)
    for name in data:
        reader.group(name, data[name], _place(data, name, file), None, 0)


def _kind(value: object) -> str:
    names = {list: "a list", str: "text", bool: "a boolean", int: "a number", float: "a number"}
    return next((shown for kind, shown in names.items() if isinstance(value, kind)), type(value).__name__)


def _place(holder: Any, key: object, file: str) -> Place:
    """Where a key stands, when the mapping remembers it."""
    origin_of = getattr(holder, "origin_of", None)
    origin = origin_of(key) if origin_of else None
    return Place(origin.file, origin.line, origin.column) if origin else Place(file)


class _Reader:
    def __init__(self, inventory: Inventory, file: str) -> None:
        self.inventory = inventory
        self.file = file

    def fault(self, message: str, place: Place, hint: str | None = None) -> InventoryError:
        return InventoryError(message, place.file, place.line, place.column, hint)

    def group(self, name: object, data: object, place: Place, parent: str | None, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self.fault(f"groups are nested more than {MAX_DEPTH} deep", place)
        group = check_group_name(self.inventory, name, place)
        self.inventory.put_group(group, place)
        if parent is not None:
            self.inventory.put_child(parent, group, place)
        if data is None:
            return
        if not isinstance(data, Mapping):
            raise self.fault(f"group {group!r} must be a mapping, not {_kind(data)}", place,
                             f"it may hold {', '.join(_SECTIONS)}")
        for key in data:
            self._section(group, key, data[key], _place(data, key, self.file), depth)

    def _section(self, group: str, key: object, value: object, place: Place, depth: int) -> None:
        if key not in _SECTIONS:
            self._unknown(group, key, place)
            return
        if value is None:
            return
        if isinstance(value, str) and key != "vars":
            value = {value: None}
        if not isinstance(value, Mapping):
            raise self.fault(f"{key!r} of group {group!r} must be a mapping, not {_kind(value)}", place,
                             _mapping_hint(str(key), value))
        if key == "vars":
            give_group(self.inventory, group, Layer(value, place))
        elif key == "hosts":
            self._hosts(group, value)
        else:
            for name in value:
                self.group(name, value[name], _place(value, name, self.file), group, depth + 1)

    def _unknown(self, group: str, key: object, place: Place) -> None:
        near = difflib.get_close_matches(str(key), _SECTIONS, 1, 0.6)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        self.inventory.warnings.append(
            f"{place}: skipping unexpected key {key!r} in group {group!r}: "
            f"only hosts, vars and children are valid{hint}")

    def _hosts(self, group: str, hosts: Mapping[Any, Any]) -> None:
        put = self.inventory.put_host
        marks = getattr(hosts, "key_marks", None)
        for entry, values in hosts.items():
            mark = marks.get(entry) if marks is not None else None
            place = Place(self.file, *mark) if mark else Place(self.file)
            names, port = names_of(entry, place)
            layers = self._layers(entry, values, port, place)
            for name in names:
                host = put(name, group, place)
                for layer in layers:
                    host.add_layer(layer)

    def _layers(self, entry: object, values: object, port: int | None, place: Place) -> list[Layer]:
        if values is not None and not isinstance(values, Mapping):
            raise self.fault(f"the variables of host {entry!r} must be a mapping, not {_kind(values)}", place,
                             "write 'name: value' lines below the host, or leave it empty")
        layers = [Layer(values, place)] if values else []
        return layers if port is None else [Layer({"ansible_port": port}, place), *layers]


def _mapping_hint(key: str, value: object) -> str | None:
    if not isinstance(value, list):
        return None
    if key == "vars":
        return "write 'name: value' lines without dashes"
    return f"in YAML inventories {key} end with a colon and have no dash: 'web1:' and not '- web1'"
