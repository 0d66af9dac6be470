"""Ansible's order of precedence, by name. Lowest first; what `explain` calls a layer."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from orchestrator.errors import Origin
from orchestrator.template.types import Map, Template

PRECEDENCE = (
    "role defaults",
    "inventory group vars",
    "inventory group_vars/all",
    "playbook group_vars/all",
    "inventory group_vars/*",
    "playbook group_vars/*",
    "inventory host vars",
    "inventory host_vars/*",
    "playbook host_vars/*",
    "facts",
    "play vars",
    "play vars_prompt",
    "play vars_files",
    "role vars",
    "block vars",
    "task vars",
    "include_vars",
    "set_fact and register",
    "role params",
    "include params",
    "extra vars",
    "magic variables",
    "loop and task locals",
)
"""The 22 layers of Ansible less its first (command line options are no variables), with two that stand above all."""


class Layered(Struct, frozen=True):
    """One layer that sets a variable: its name, with what it belongs to in brackets; the place; the raw value."""

    layer: str
    origin: Origin | None
    value: Any


def origin_in(values: Any, name: str) -> Origin | None:
    """Where ``values`` sets ``name``, as far as that is known."""
    if isinstance(values, Map):
        return values.origin_of(name)
    value = values.get(name)
    return getattr(value, "origin", None) if isinstance(value, (Template, Map)) else None
