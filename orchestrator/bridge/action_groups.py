"""Action groups: the modules that ``module_defaults: {group/NAMESPACE.NAME.GROUP: …}`` means, by its collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

CORE = "ansible.builtin"

Groups = Callable[[str], Mapping[str, Any]]
"""The ``action_groups`` of a collection's ``meta/runtime.yml``; empty for one that is not here."""


def members(group: str, groups_of: Groups) -> frozenset[str]:
    """The full names in a group and in all that it extends; a bare group is one of ansible-core's own."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [group if "." in group else f"{CORE}.{group}"]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        collection, _, bare = name.rpartition(".")
        entries = groups_of(collection).get(bare)
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, str):
                found.add(entry if entry.count(".") >= 2 else f"{collection}.{entry}")
            else:
                waiting += [one if one.count(".") >= 2 else f"{collection}.{one}" for one in _extended(entry)]
    return frozenset(found)


def _extended(entry: Any) -> list[str]:
    """The groups of a list's entry ``metadata: {extend_group: …}``; what is malformed means none."""
    metadata = entry.get("metadata") if isinstance(entry, Mapping) else None
    named = metadata.get("extend_group") if isinstance(metadata, Mapping) else None
    return [one for one in (named if isinstance(named, list) else [named]) if isinstance(one, str)]
