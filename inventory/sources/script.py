"""Executable inventories: ``--list`` prints groups as JSON. What they print is data and never a template."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from typing import Any

from inventory.errors import InventoryError
from inventory.inventory import Inventory
from inventory.model import Layer, Place
from inventory.names import MAX_LENGTH
from inventory.sources.bounded import run_bounded
from inventory.sources.context import Context
from inventory.sources.grouping import check_group_name, give_group

_SECTIONS = ("hosts", "vars", "children")


def read_script(inventory: Inventory, path: str, context: Context) -> None:
    """Run ``path --list``, and ``--host NAME`` for each host when ``_meta.hostvars`` is missing.

    Raises InventoryError when the script fails, prints something else than an inventory, prints more than
    ``context.max_bytes``, or has not ended after ``context.script_timeout_s`` for all its calls together.
    """
    script = _Script(os.path.abspath(path), path, context)
    data = script.json("--list")
    meta = data.pop("_meta", None)
    place = Place(path)
    for name, group in data.items():
        _group(inventory, name, group, place)
    inventory_names = _mentioned(data)
    hostvars = meta.get("hostvars") if isinstance(meta, Mapping) else None
    if hostvars is not None and not isinstance(hostvars, Mapping):
        raise InventoryError("_meta.hostvars must be an object", path)
    for name in inventory_names:
        if hostvars is None:
            _give_host(inventory, name, script.json("--host", name), place)
        elif name in hostvars:
            _give_host(inventory, name, hostvars[name], place)
    for name in hostvars or ():
        if name not in inventory_names:
            inventory.put_host(name, None, place)
            _give_host(inventory, name, hostvars[name] if hostvars else {}, place)


class _Script:
    def __init__(self, path: str, shown: str, context: Context) -> None:
        self.path = path
        self.shown = shown
        self.context = context
        self.deadline = time.monotonic() + context.script_timeout_s

    def json(self, *arguments: str) -> dict[str, Any]:
        left = self.deadline - time.monotonic()
        ended = run_bounded([self.path, *arguments], timeout_s=left, max_bytes=self.context.max_bytes)
        call = " ".join([self.shown, *arguments])
        if ended.problem:
            raise InventoryError(f"the inventory script {ended.problem}: {call}", self.shown,
                                 hint=_tail(ended.stderr) or "run it by hand to see what it does")
        if ended.returncode != 0:
            raise InventoryError(f"the inventory script ended with {ended.returncode}: {call}", self.shown,
                                 hint=_tail(ended.stderr))
        try:
            data = json.loads(ended.stdout.decode("utf-8") or "{}")
        except (ValueError, RecursionError) as error:
            raise InventoryError(f"the inventory script printed no JSON: {error}", self.shown,
                                 hint=f"see for yourself: {call}") from error
        if not isinstance(data, dict):
            raise InventoryError("the inventory script must print a JSON object", self.shown,
                                 hint=f"see for yourself: {call}")
        return data


def _tail(stderr: bytes) -> str | None:
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return "".join(c if c.isprintable() else "?" for c in lines[-1])[:500] if lines else None


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
