"""Putting hosts and variables into the inventory the same way for every kind of source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from inventory.errors import InventoryError
from inventory.inventory import Inventory
from inventory.model import Layer, Place
from inventory.names import expand

_GROUP_NAME = re.compile(r"[^\W\d]\w*")
_NOT_IN_A_NAME = re.compile(r"^[\d\W]|\W")
PRIORITY = "ansible_group_priority"


def check_group_name(inventory: Inventory, name: object, place: Place) -> str:
    """The group's name, made one that a variable could have where the inventory is to; raises InventoryError when it
    is no text, warns when Ansible would."""
    if not isinstance(name, str) or not name:
        raise InventoryError(f"a group's name must be text, not {name!r}", place.file, place.line, place.column,
                             hint="quote it: '1':")
    if _GROUP_NAME.fullmatch(name):
        return name
    replaced = inventory.group_names in ("always", "silently")
    if inventory.group_names not in ("ignore", "silently"):
        warning = (f"{place}: the group name {name!r} has characters that cannot stand in a variable name"
                   f"{'; they are replaced' if replaced else ''}")
        if warning not in inventory.warnings:
            inventory.warnings.append(warning)
    return _NOT_IN_A_NAME.sub("_", name) if replaced else name


def names_of(entry: object, place: Place) -> tuple[list[str], int | None]:
    """The hosts an entry means and their port; the error of a bad one names ``place``."""
    if not isinstance(entry, str):
        raise InventoryError(f"a host's name must be text, not {entry!r}", place.file, place.line, place.column,
                             hint="quote it")
    try:
        return expand(entry.strip())
    except InventoryError as error:
        raise InventoryError(error.message, place.file, place.line, place.column, error.hint) from error


def give_group(inventory: Inventory, group: str, layer: Layer) -> None:
    """Lay variables over a group's. ``ansible_group_priority`` is an order to the inventory, not a variable."""
    values = layer.values
    if PRIORITY in values:
        inventory.groups[group].priority = _priority(values[PRIORITY], layer)
        lines = layer.lines
        kept: Mapping[str, Any] = {name: value for name, value in values.items() if name != PRIORITY}
        layer = Layer(kept, layer.place, lines or _lines_of(layer), layer.trusted)
    if layer.values:
        inventory.groups[group].add_layer(layer)


def _lines_of(layer: Layer) -> dict[str, int] | None:
    lines = {name: layer.place_of(name).line for name in layer.values}
    return lines if any(lines.values()) else None


def _priority(value: object, layer: Layer) -> int:
    try:
        return int(str(value))
    except ValueError:
        place = layer.place_of(PRIORITY)
        raise InventoryError(f"{PRIORITY} must be a whole number, not {value!r}",
                             place.file, place.line, place.column) from None
