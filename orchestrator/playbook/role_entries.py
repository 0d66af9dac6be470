"""The entries of ``roles:`` and of a role's ``dependencies:`` as `RoleUse`."""

from __future__ import annotations

from typing import Any

from orchestrator.errors import ContentError, Origin
from orchestrator.playbook.compilation import Compilation
from orchestrator.playbook.context import Context
from orchestrator.playbook.keywords import allowed
from orchestrator.playbook.roles import RoleUse
from orchestrator.playbook.values import kind_name
from orchestrator.template.types import Map, Seq, Template

NAME_HINT = "give the name as an extra variable or a play variable, or use include_role"
BOOLEAN_HINT = "yes, no, on and off are booleans: quote it"


def role_use(c: Compilation, entry: Any, entries: Any, number: int, context: Context, role_id: str) -> RoleUse | None:
    """One entry: a name, or a mapping of ``role:``, keywords, and parameters (every other key). None with a fault."""
    place = entries.item_origin(number) if isinstance(entries, Seq) else None
    origin = place or getattr(entry, "origin", None) or Origin("<role>")
    if isinstance(entry, (str, Template)):
        name = static_name(c, entry, context, origin)
        return RoleUse(name, f"{role_id}/{name}", origin, context, public=not c.private_roles) if name else None
    if not isinstance(entry, Map):
        hint = BOOLEAN_HINT if isinstance(entry, bool) else "write “- role: name”"
        c.faults.add(f"a role must be a name or a mapping, not {kind_name(entry)}", origin, hint, code="role")
        return None
    return _from_mapping(c, entry, context, role_id, origin)


def _from_mapping(c: Compilation, entry: Map, context: Context, role_id: str, origin: Origin) -> RoleUse | None:
    known = allowed("role")
    params = _part(entry, [key for key in entry if key not in known])
    values = c.keywords(_part(entry, [key for key in entry if key in known]), "role", owner="a role")
    c.check_variables(params)
    c.check_templates(params)
    written = values.get("role") or values.get("name")
    if written is None:
        c.faults.add("the role has no name", origin, "write “- role: name”", code="role")
        return None
    key = "role" if values.get("role") else "name"
    if isinstance(entry[key], bool):
        c.faults.add("the name of a role must be a text, not a boolean", entry.value_origin(key), BOOLEAN_HINT,
                     code="role")
        return None
    name = static_name(c, written, context, entry.value_origin(key) or origin)
    if not name:
        return None
    own = dict(values)
    variables = own.pop("vars", None)
    words = (repr(values.get("tags") or ()), repr(tuple(c.expression for c in values.get("when") or ())))
    return RoleUse(name, f"{role_id}/{name}", entry.value_origin(key) or origin, context.folded(own), params=params,
                   vars=variables or Map(), words=words, public=not c.private_roles)


def static_name(c: Compilation, written: Any, context: Context, origin: Origin | None) -> str | None:
    """A role's name, rendered without a host when it is a template. A fault (recorded) gives None."""
    try:
        name = c.static(written, context, "the name of the role", origin, NAME_HINT)
    except ContentError as error:
        c.faults.take(error)
        return None
    if not isinstance(name, str) or not name.strip():
        c.faults.add(f"the name of a role must be a text, not {kind_name(name)}", origin, code="role")
        return None
    if name.startswith("-") or "\n" in name or "," in name:
        c.faults.add(f"'{name}' cannot be the name of a role", origin, "write “- role: name”", code="role")
        return None
    return name.strip()


def _part(entry: Map, keys: list[Any]) -> Map:
    part = Map({key: entry[key] for key in keys}, origin=entry.origin)
    part.key_marks, part.value_marks = entry.key_marks, entry.value_marks
    return part
