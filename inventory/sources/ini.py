"""Ansible's INI inventory: host lines, ``[group]``, ``[group:children]``, ``[group:vars]``.

Observed from ansible-core 2.19: on a host line ``#`` begins a comment anywhere outside quotes; in ``:vars`` a value
is the rest of the line. Both type their values as Python literals when they are ones.
"""

from __future__ import annotations

import re
from typing import Any

from inventory.errors import InventoryError
from inventory.inventory import Inventory
from inventory.model import Layer, Place
from inventory.sources.context import Context
from inventory.sources.grouping import check_group_name, give_group, names_of
from inventory.sources.values import split_line, typed

_SECTION = re.compile(r"^\[(?P<name>[^:\]\s]+)(?::(?P<kind>\w+))?\]\s*(?:[#;].*)?$")
_KINDS = ("hosts", "children", "vars")


def read_ini(inventory: Inventory, text: str, file: str, context: Context) -> None:
    """Fill ``inventory`` from INI text; raises InventoryError with the line of the first thing without meaning."""
    _Reader(inventory, file, context).read(text)


class _Reader:
    def __init__(self, inventory: Inventory, file: str, context: Context) -> None:
        self.inventory = inventory
        self.file = file
        self.context = context
        self.group = "ungrouped"
        self.kind = "hosts"
        self.declared = {"all", "ungrouped"}
        self.awaited: dict[str, tuple[int, str]] = {}
        """Groups that were named and not declared so far: the line, and what to say if that stays so."""
        self.links: list[tuple[str, str, int]] = []
        self.values: dict[str, dict[str, Any]] = {}
        self.lines: dict[str, dict[str, int]] = {}

    def read(self, text: str) -> None:
        for number, raw in enumerate(text.split("\n"), 1):
            line = raw.strip()
            if not line or line[0] in "#;":
                continue
            if line[0] == "[" and self._section(line, number):
                continue
            if self.kind == "hosts":
                self._host(line, number)
            elif self.kind == "children":
                self._child(line, number)
            else:
                self._variable(line, number)
        self._finish()

    def fault(self, message: str, line: int, hint: str | None = None) -> InventoryError:
        return InventoryError(message, self.file, line, hint=hint)

    def _section(self, line: str, number: int) -> bool:
        found = _SECTION.match(line)
        if found is None:
            if self.kind == "hosts" and re.match(r"^\[[0-9A-Fa-f:.]+\](:\d+)?(\s|$)|^\[\w+:\w+(:\d+)?\]\S", line):
                return False  # a bracketed IPv6 address, or a range at the start of a host's name
            raise self.fault(f"this is no section: {line}", number, "write [group], [group:children] or [group:vars]")
        kind = found["kind"] or "hosts"
        if kind not in _KINDS:
            if self.kind == "hosts" and ":" in line and line.count(":") > 1:
                return False
            raise self.fault(f"section [{found['name']}:{kind}] has an unknown kind", number,
                             "write [group], [group:children] or [group:vars]")
        self.group = check_group_name(self.inventory, found["name"], Place(self.file, number))
        self.kind = kind
        if kind == "vars":
            if self.group not in self.declared and self.group not in self.inventory.groups:
                self.awaited.setdefault(
                    self.group, (number, f"section [{self.group}:vars] includes undefined group: {self.group}"))
        else:
            self._declare(self.group, number)
        return True

    def _declare(self, group: str, number: int) -> None:
        self.inventory.put_group(group, Place(self.file, number))
        self.declared.add(group)
        self.awaited.pop(group, None)

    def _host(self, line: str, number: int) -> None:
        try:
            words = split_line(line)
        except ValueError as error:
            raise self.fault(f"the host line does not read as words: {error}", number,
                             "close the quote, or put a backslash before it") from error
        if not words:
            return
        place = Place(self.file, number)
        names, port = names_of(words[0], place)
        values: dict[str, Any] = {} if port is None else {"ansible_port": port}
        for word in words[1:]:
            name, equals, value = word.partition("=")
            if not equals or not name:
                raise self.fault(f"expected key=value after the host, got: {word}", number,
                                 "quote values that hold spaces: name='two words'")
            values[name] = self._typed(value, number)
        layer = Layer(values, place) if values else None
        for name in names:
            host = self.inventory.put_host(name, self.group, place)
            if layer is not None:
                host.add_layer(layer)

    def _typed(self, text: str, number: int) -> Any:
        value = typed(text)
        if "{" in text:
            return self._trusted(value, number)
        return value

    def _trusted(self, value: Any, number: int) -> Any:
        """Strings may be templates, also those within a list or dict literal."""
        if isinstance(value, str):
            return self.context.trust(value, self.file, number, 1) if "{" in value else value
        if isinstance(value, dict):
            return {key: self._trusted(part, number) for key, part in value.items()}
        if isinstance(value, list):
            return [self._trusted(part, number) for part in value]
        return value

    def _child(self, line: str, number: int) -> None:
        name = re.split(r"\s*[#;]", line, maxsplit=1)[0].strip()
        if not name or re.search(r"\s", name):
            raise self.fault(f"expected one group name a line in [{self.group}:children], got: {line}", number)
        name = check_group_name(self.inventory, name, Place(self.file, number))
        if name not in self.declared and name not in self.inventory.groups:
            self.awaited.setdefault(
                name, (number, f"section [{self.group}:children] includes undefined group: {name}"))
        self.links.append((self.group, name, number))

    def _variable(self, line: str, number: int) -> None:
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not name:
            raise self.fault(f"expected key=value in [{self.group}:vars], got: {line}", number)
        self.values.setdefault(self.group, {})[name] = self._typed(value, number)
        self.lines.setdefault(self.group, {})[name] = number

    def _finish(self) -> None:
        for group, (number, message) in self.awaited.items():
            if group not in self.inventory.groups:
                raise self.fault(message, number, f"declare it: [{group}]")
        for parent, child, number in self.links:
            self.inventory.put_child(parent, child, Place(self.file, number))
        for group, values in self.values.items():
            lines = self.lines[group]
            give_group(self.inventory, group, Layer(values, Place(self.file, min(lines.values())), lines))
