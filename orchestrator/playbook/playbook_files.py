"""A playbook file: a list of plays and of other playbooks to import."""

from __future__ import annotations

import os
from typing import Any

from orchestrator.errors import ContentError, Origin
from orchestrator.model import Play
from orchestrator.playbook.compilation import Compilation
from orchestrator.playbook.context import Context, PlayState
from orchestrator.playbook.files import first_existing
from orchestrator.playbook.plays import compile_play
from orchestrator.playbook.values import kind_name, merged
from orchestrator.template.types import Map, Seq

IMPORT = ("import_playbook", "ansible.builtin.import_playbook", "ansible.legacy.import_playbook")


def compile_file(c: Compilation, path: str, plays: list[Play], imported: dict[str, Any] | None = None,
                 chain: tuple[str, ...] = ()) -> None:
    """Append the plays of a file, those of imported playbooks at their place. Faults are recorded."""
    c.syntax.add_plugin_dir(os.path.dirname(path))
    errors = len(c.faults.errors)
    document = c.read(path)
    if document is None or document == []:
        if len(c.faults.errors) == errors:
            c.faults.add("the playbook is empty: it must be a list of plays", Origin(path, 1, 1),
                         "write “- hosts: all”")
        return
    if not isinstance(document, list):
        hint = "begin the play with “- ”" if isinstance(document, dict) else None
        c.faults.add(f"a playbook must be a list of plays, got {kind_name(document)} instead",
                     getattr(document, "origin", None) or Origin(path, 1, 1), hint)
        return
    for number, entry in enumerate(document):
        place = document.item_origin(number) if isinstance(document, Seq) else None
        if not isinstance(entry, Map):
            c.faults.add(f"playbook entries must be either valid plays or 'import_playbook' statements, not "
                         f"{kind_name(entry)}", place or Origin(path), "write “- hosts: all”")
        elif any(key in entry for key in IMPORT):
            _import(c, entry, path, plays, imported or {}, (*chain, os.path.abspath(path)))
        else:
            plays.append(compile_play(c, entry, len(plays), path, imported))


def _import(c: Compilation, entry: Map, path: str, plays: list[Play], imported: dict[str, Any],
            chain: tuple[str, ...]) -> None:
    key = next(name for name in IMPORT if name in entry)
    values = c.keywords(entry, "playbook", owner="a PlaybookInclude", ignore=frozenset({key}))
    for name in values:
        if name not in ("name", "vars", "tags", "when"):
            c.faults.warn("no_effect", f"{name} has no effect on import_playbook", entry.origin_of(name))
    place = entry.value_origin(key) or entry.origin
    variables = values.get("vars")
    written = entry[key]
    if isinstance(written, (list, dict)) or not written:
        c.faults.add(f"import_playbook takes the name of a file, not {kind_name(written)}", place)
        return
    try:
        target = _target(c, written, path, place, variables, imported)
    except ContentError as error:
        c.faults.take(error)
        return
    if os.path.abspath(target) in chain:
        c.faults.add(f"{target} imports itself without end", place, code="import_recursion")
        return
    handed = {
        "vars": merged(variables, imported.get("vars"), origin=entry.origin),
        "tags": (*(imported.get("tags") or ()), *(values.get("tags") or ())),
        "when": (*(imported.get("when") or ()), *(values.get("when") or ())),
        "trail": (*(imported.get("trail") or ()), f"import_playbook at {entry.origin}"),
    }
    compile_file(c, target, plays, handed, chain)


def _target(c: Compilation, written: Any, path: str, place: Origin | None, variables: Map | None,
            imported: dict[str, Any]) -> str:
    base = os.path.dirname(path)
    state = PlayState("", 0, base, merged(variables, imported.get("vars")))
    name = str(c.static(written, Context(state), "the file of import_playbook", place,
                        "give what it needs as extra variables (-e)")).strip()
    if name.count(".") >= 2 and "/" not in name and not os.path.exists(os.path.join(base, name)):
        found = c.roles.playbook(name, (base, c.top_dir))
        if found:
            return found
    expanded = os.path.expanduser(name)
    candidates = [os.path.normpath(os.path.join(folder, expanded)) for folder in dict.fromkeys((base, c.top_dir))]
    return first_existing(candidates, "the playbook", name, place)
