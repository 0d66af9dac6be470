"""TOML inventories: the tables of Ansible's YAML inventory, one ``[group]`` each; ``children`` is a list of names."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from inventory.errors import InventoryError
from inventory.inventory import Inventory
from inventory.sources.context import Context
from inventory.sources.yaml import fill

_AT = re.compile(r"\(at line (\d+), column (\d+)\)")


def read_toml(inventory: Inventory, text: str, file: str, context: Context) -> None:
    """Fill ``inventory`` from TOML text; raises InventoryError for what is no TOML or no inventory."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _AT.search(str(error))
        line, column = (int(at[1]), int(at[2])) if at else (0, 0)
        raise InventoryError(f"malformed TOML: {str(error).partition(' (at')[0]}", file, line, column) from error
    fill(inventory, {name: _group(table) for name, table in _trusted(data, file, context).items()}, file)


def _group(table: Any) -> Any:
    if isinstance(table, Mapping) and isinstance(table.get("children"), list):
        return {**table, "children": {str(child): None for child in table["children"]}}
    return table


def _trusted(value: Any, file: str, context: Context) -> Any:
    if isinstance(value, str):
        return context.trust(value, file, 0, 0) if "{" in value else value
    if isinstance(value, dict):
        return {name: _trusted(part, file, context) for name, part in value.items()}
    if isinstance(value, list):
        return [_trusted(part, file, context) for part in value]
    return value
