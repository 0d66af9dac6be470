"""Which module a name in a playbook means: one of orch's, or one that the bridge brings along."""

from __future__ import annotations

import os
from typing import Any

from msgspec import Struct

from orchestrator.playbook.compilation import Compilation
from orchestrator.playbook.context import Context

BUILTIN = "ansible.builtin."
_BUILTINS = (BUILTIN, "ansible.legacy.")
LANGUAGE = frozenset({"import_tasks", "import_role", "import_playbook", "include_tasks", "include_role",
                      "include_vars", "meta", "set_fact"})
"""Actions that belong to the language: known even when nobody has registered them, and never replaced."""


class Meant(Struct, frozen=True):
    """``name`` is canonical. ``bridged``: where the bridge has it from; None for orch's own."""

    name: str
    bridged: Any = None


def meant(c: Compilation, written: object, context: Context) -> Meant | None:
    """The module or action that ``written`` stands for at this place, or None."""
    if not isinstance(written, str):
        return None
    bare = written
    for prefix in _BUILTINS:
        bare = bare.removeprefix(prefix)
    if bare in LANGUAGE:
        return Meant(bare)
    own = _peoples_own(c, written, context)
    if own is not None:
        return own
    known: str | None = c.registry.canonical(written)
    if known is not None:
        return Meant(known)
    other = c.bridge.other(written, folders(c, context), ()) if c.bridge else None
    return Meant(other.name, other) if other else None


def _peoples_own(c: Compilation, written: str, context: Context) -> Meant | None:
    """From ``library/``, or from the ``collections`` keyword: these come before a module of the same name of orch's."""
    if c.bridge is None or written.startswith(BUILTIN):
        return None
    if "." in written.removeprefix("ansible.legacy."):
        return None
    own = c.bridge.own(written, folders(c, context))
    if own is not None:
        return Meant(own.name, own)
    for collection in context.collections:
        if not isinstance(collection, str) or collection in ("ansible.builtin", "ansible.legacy"):
            continue
        known = c.registry.canonical(f"{collection}.{written}")
        if known is not None:
            return Meant(known)
        found = c.bridge.other(f"{collection}.{written}", folders(c, context), ())
        if found is not None:
            return Meant(found.name, found)
    return None


def folders(c: Compilation, context: Context) -> list[str]:
    """Where people's own modules may lie: with the playbook, with the roles of the play in order, with the role itself.

    As in Ansible a role's modules are there for everybody behind it, and the first of a name wins.
    """
    role = context.role
    around = [role, *reversed(role.parents), *role.dependencies] if role else []
    found = [c.top_dir, context.play.base_dir]
    found += [one.path for one in (*context.play.roles, *around)]
    return list(dict.fromkeys(os.path.abspath(folder or ".") for folder in found))
