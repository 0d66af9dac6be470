"""``discovered_interpreter_python``: Ansible's fact of the Python that was looked for on a host, and found. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.engine.outcome import Value

FACT = "discovered_interpreter_python"
PREFIX = "discovered_interpreter_"


def with_python(value: Value, python: str, known: Mapping[str, Any]) -> Value:
    """A module's value with that fact, unless the host's ``known`` facts have it: once for each host, and after
    ``clear_facts`` again. ``python``: what was found; empty where it was named.

    A module may not tell such facts itself.
    """
    told = value.get("ansible_facts")
    facts = told if isinstance(told, Mapping) else {}
    if any(str(name).startswith(PREFIX) for name in facts):
        facts = {name: fact for name, fact in facts.items() if not str(name).startswith(PREFIX)}
        value["ansible_facts"] = facts
    if python and FACT not in known:
        value["ansible_facts"] = {**facts, FACT: python}
    return value
