"""Hosts, groups and the variable layers that each source gave them, unrendered and unmerged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

DEFAULT_PRIORITY = 1
NO_VALUES: Mapping[str, Any] = {}


class Place(Struct, frozen=True):
    """Where something stands. ``line`` and ``column`` count from 1; 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


class Layer(Struct, frozen=True):
    """The variables that one place in one source gives to a host or a group."""

    values: Mapping[str, Any]
    place: Place
    lines: Mapping[str, int] | None = None
    """Line of each variable, where they stand on lines of their own."""
    trusted: bool = True
    """False for what a script, the command line's host list or a running task said: data, never a template."""

    def place_of(self, name: str) -> Place:
        """Where ``name`` is set, as exactly as is known."""
        if self.lines and name in self.lines:
            return Place(self.place.file, self.lines[name])
        value_origin = getattr(self.values, "value_origin", None)
        origin = value_origin(name) if value_origin else None
        return Place(origin.file, origin.line, origin.column) if origin else self.place


class _Holder:
    """What hosts and groups have in common: a name, a place and layers of variables."""

    __slots__ = ("_merged", "layers", "name", "origin")

    def __init__(self, name: str, origin: Place | None = None) -> None:
        self.name = name
        self.origin = origin
        self.layers: list[Layer] = []
        """In order of reading; a later one wins."""
        self._merged: dict[str, Any] | None = None

    @property
    def vars(self) -> dict[str, Any]:
        """All layers merged, later ones winning; unrendered. Belongs to the inventory: do not change it."""
        if self._merged is None:
            merged: dict[str, Any] = {}
            for layer in self.layers:
                merged.update(layer.values)
            self._merged = merged
        return self._merged

    def add_layer(self, layer: Layer) -> None:
        """Lay ``layer`` over those that are there."""
        self.layers.append(layer)
        self._merged = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class Host(_Holder):
    """One host. ``groups`` are those it was put into directly, in that order."""

    __slots__ = ("groups", "implicit")

    def __init__(self, name: str, origin: Place | None = None, implicit: bool = False) -> None:
        super().__init__(name, origin)
        self.groups: dict[str, None] = {}
        self.implicit = implicit
        """True for the localhost that nobody listed: it answers to its name and is in no group."""


class Group(_Holder):
    """One group. ``children`` and ``hosts`` are the direct ones, by name, in order (dicts used as ordered sets)."""

    __slots__ = ("children", "depth", "hosts", "parents", "priority")

    def __init__(self, name: str, origin: Place | None = None) -> None:
        super().__init__(name, origin)
        self.children: dict[str, None] = {}
        self.parents: dict[str, None] = {}
        self.hosts: dict[str, None] = {}
        self.depth = 0
        """Longest way down from ``all``, which has 0."""
        self.priority = DEFAULT_PRIORITY
        """``ansible_group_priority``: among groups of one depth the higher wins."""
