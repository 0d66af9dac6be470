"""`load`: from the names of sources to an `Inventory`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from inventory.errors import InventoryError
from inventory.inventory import Inventory
from inventory.model import Place
from inventory.sources import directory
from inventory.sources.context import Context, ParseYaml, Trust, as_it_is
from inventory.sources.dynamic import read_dynamic
from inventory.sources.host_list import read_host_list
from inventory.sources.ini import read_ini
from inventory.sources.plain_yaml import parse_yaml as parse_plain_yaml
from inventory.sources.script import read_script
from inventory.sources.text import decode, read_bytes
from inventory.sources.yaml import read_yaml

_YAML_ENDINGS = (".yml", ".yaml", ".json")
_YAML_START = re.compile(r"""\s*(?:---|\{|['"]?[\w.-]+['"]?:(?:\s|$))""")
MAX_DEPTH = 20
Provider = Callable[[], dict[str, Any]]


def load(
    sources: Iterable[str],
    *,
    parse_yaml: ParseYaml = parse_plain_yaml,
    trust: Trust = as_it_is,
    script_timeout_s: float = 60.0,
    group_names: str = "never",
    provided: Mapping[str, Provider] | None = None,
    runs_scripts: bool = True,
) -> Inventory:
    """Read every source in order; what a later one says about a variable wins.

    A source is a path (YAML, INI, TOML, a directory, an executable) or a list with a comma: ``host1,host2`` or
    ``host1,``.
    ``parse_yaml(text, file)`` and ``trust(text, file, line, column)`` decide what strings of trusted files become.
    ``group_names``: see `Inventory.group_names`. ``provided``: sources that are no files, by name; each gives the
    mapping that an inventory script would print. Without ``runs_scripts`` a source that is a program is refused.
    Raises InventoryError for a source that is missing or means nothing; whatever ``parse_yaml`` raises passes through.
    """
    inventory = Inventory()
    inventory.group_names = group_names
    context = Context(parse_yaml, trust, script_timeout_s, runs_scripts=runs_scripts)
    for source in sources:
        if provided is not None and source in provided:
            read_dynamic(inventory, provided[source](), Place(source), lambda name: {})
        else:
            _read(inventory, source, context, 0)
        inventory.sources.append(source)
    inventory.settle()
    _warn_of_twins(inventory)
    return inventory


def _read(inventory: Inventory, source: str, context: Context, depth: int) -> None:
    if "," in source and not os.path.exists(source):
        read_host_list(inventory, source)
    elif os.path.isdir(source):
        if depth > MAX_DEPTH:
            raise InventoryError(f"inventory directories are nested more than {MAX_DEPTH} deep", source)
        for entry in directory.entries(source):
            _read(inventory, entry, context, depth + 1)
    elif not os.path.exists(source):
        raise InventoryError(f"there is no inventory at {source}", source,
                             hint="give a file, a directory or an executable; a list of hosts needs a comma: "
                                  f"-i {os.path.basename(source)},")
    else:
        _read_file(inventory, source, context)


def _read_file(inventory: Inventory, path: str, context: Context) -> None:
    data = read_bytes(path, context.max_bytes)
    if data.startswith((b"#!", b"\x7fELF")):
        if not os.access(path, os.X_OK):
            raise InventoryError("the inventory looks like a program but is not executable", path, 1,
                                 hint=f"chmod +x {path}")
        if not context.runs_scripts:
            raise InventoryError("the inventory is a program, and none is started here", path, 1,
                                 hint="an admin may allow it to the project: it runs on the server itself")
        read_script(inventory, path, context)
        return
    text = decode(data, path)
    if path.endswith(".toml"):
        from inventory.sources.toml import read_toml  # few have one

        read_toml(inventory, text, path, context)
    elif _is_yaml(path, text):
        read_yaml(inventory, text, path, context)
    else:
        read_ini(inventory, text, path, context)


def _is_yaml(path: str, text: str) -> bool:
    """By the file's ending; one without is YAML when its first line that says something looks like it."""
    if path.endswith(_YAML_ENDINGS):
        return True
    if os.path.splitext(path)[1] in (".ini", ".cfg"):
        return False
    lines = (line for line in text.splitlines() if line.strip() and line.strip()[0] not in "#;")
    return _YAML_START.match(next(lines, "")) is not None


def _warn_of_twins(inventory: Inventory) -> None:
    for name in inventory.groups:
        if name in inventory.hosts:
            inventory.warnings.append(f"Found both group and host with same name: {name}")
