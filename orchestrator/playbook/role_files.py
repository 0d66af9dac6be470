"""The files of one role: ``tasks/main.yml`` and its kin, each in the spellings that Ansible knows."""

from __future__ import annotations

import os
from typing import Any

from msgspec import Struct, field

from orchestrator.errors import OrchError, Origin
from orchestrator.playbook.compilation import Compilation
from orchestrator.playbook.faults import did_you_mean
from orchestrator.playbook.values import kind_name, merged
from orchestrator.template.types import Map

ENDINGS = (".yml", ".yaml", ".json")


class Metadata(Struct):
    """``meta/main.yml``, as far as it matters here."""

    dependencies: list[Any] = field(default_factory=list)
    allow_duplicates: bool = False
    argument_specs: Map | None = None
    collections: tuple[str, ...] = ()


def find_file(folder: str, name: str) -> str | None:
    """``main`` as main.yml, main.yaml, main.json or main; a name with an ending as it is."""
    path = os.path.join(folder, name)
    endings = ("", *ENDINGS) if name.endswith(ENDINGS) else (*ENDINGS, "")
    return next((path + ending for ending in endings if os.path.isfile(path + ending)), None)


def required_file(c: Compilation, role: str, kind: str, name: str, origin: Origin | None) -> str | None:
    """The file that a role must have since somebody asked for it by name; a missing one is a fault (recorded)."""
    folder = os.path.join(role, kind)
    path = find_file(folder, name)
    if path is None and name != "main":
        near = did_you_mean(name, [entry.rpartition(".")[0] for entry in _listed(folder)])
        c.faults.add(f"Could not find specified file in role: {kind}/{name}", origin,
                     near or f"searched {os.path.abspath(folder)}", code="file_missing")
    return path


def read_variables(c: Compilation, role: str, kind: str, name: str, origin: Origin | None) -> Map:
    """``defaults`` or ``vars``: a file, or a folder whose files are read in order of name, later ones winning."""
    folder = os.path.join(role, kind, name)
    if os.path.isdir(folder):
        files = _files_below(folder)
    else:
        path = required_file(c, role, kind, name, origin)
        files = [path] if path else []
    maps = []
    for path in files:
        try:
            maps.append(c.content.read_vars(path))
        except OrchError as error:
            c.faults.take(error)
    for one in maps:
        c.check_variables(one)
        c.check_templates(one)
    return maps[0] if len(maps) == 1 else merged(*maps, origin=Origin(folder) if len(maps) > 1 else None)


def _files_below(folder: str) -> list[str]:
    found: list[str] = []
    for name in sorted(_listed(folder)):
        path = os.path.join(folder, name)
        if name.startswith(".") or name.endswith("~"):
            continue
        if os.path.isdir(path):
            found += _files_below(path)
        elif "." not in name or name.endswith(ENDINGS):
            found.append(path)
    return found


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def read_metadata(c: Compilation, role: str) -> Metadata:
    """Dependencies and the rest of ``meta/``. What Galaxy alone needs is passed over."""
    found = Metadata()
    document = _mapping(c, find_file(os.path.join(role, "meta"), "main"))
    dependencies = document.get("dependencies")
    if isinstance(dependencies, list):
        found.dependencies = dependencies
    elif dependencies is not None:
        c.faults.add(f"dependencies must be a list, not {kind_name(dependencies)}",
                     document.value_origin("dependencies"), "write “- role: name”", code="keyword")
    found.allow_duplicates = bool(document.get("allow_duplicates"))
    collections = document.get("collections")
    found.collections = tuple(str(one) for one in collections) if isinstance(collections, list) else ()
    specs = _mapping(c, find_file(os.path.join(role, "meta"), "argument_specs")) or document
    given = specs.get("argument_specs")
    if isinstance(given, Map):
        found.argument_specs = given
    elif given is not None:
        c.faults.add("argument_specs must be a mapping of entry points", specs.value_origin("argument_specs"),
                     "write “main:” below it", code="keyword")
    return found


def _mapping(c: Compilation, path: str | None) -> Map:
    document = c.read(path) if path else None
    if document is None:
        return Map()
    if not isinstance(document, Map):
        c.faults.add(f"{os.path.basename(path or '')} of a role's meta must hold a mapping, not {kind_name(document)}",
                     getattr(document, "origin", None) or Origin(path or ""), code="keyword")
        return Map()
    return document
