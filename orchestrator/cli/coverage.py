"""What a survey of content found, beside what orch has: modules, filters, tests, lookups."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from orchestrator.errors import Origin
from orchestrator.playbook.action import OWN
from orchestrator.playbook.survey import Survey, survey
from orchestrator.template.engine import Engine

_BUILTIN = ("ansible.builtin.", "ansible.legacy.")
ALIKE = 0.8
"""How alike two names of modules must be: another collection's module is no misspelling of ours."""
EQUIVALENTS = {
    "docker_compose": "community.docker.docker_compose_v2",
    "include": "include_tasks",
    "docker": "community.docker.docker_container",
    "docker_image_facts": "community.docker.docker_image_info",
    "openssh_keypair": "command: ssh-keygen, with creates",
    "ec2": "a command with the vendor's own tool",
}
"""What people move to from names that orch will not have."""


class Missing(NamedTuple):
    kind: str
    name: str
    uses: int
    nearest: str | None
    places: tuple[Origin, ...]


def survey_paths(paths: Sequence[str]) -> Survey:
    """Survey with roles and collections found where a run finds them."""
    from orchestrator.engine.setup import content_paths
    from orchestrator.playbook.role_search import RoleSearch

    roles, collections = content_paths(os.environ, Path.cwd())
    return survey(paths, RoleSearch(roles, collections))


def missing_in(found: Survey) -> list[Missing]:
    """What is not here, most used first."""
    engine = Engine(plugin_dirs=sorted({os.path.dirname(folder) for folder in found.plugin_folders}))
    libraries = _own_modules(found.plugin_folders)
    places: dict[tuple[str, str], list[Origin]] = {}
    for use in found.uses:
        places.setdefault((use.kind, use.name), []).append(use.origin)
    lacking = [Missing(kind, name, len(at), _nearest(kind, name, engine), tuple(dict.fromkeys(at)))
               for (kind, name), at in places.items() if not _is_here(kind, name, engine, libraries)]
    return sorted(lacking, key=lambda one: (-one.uses, one.kind, one.name))


def _is_here(kind: str, name: str, engine: Engine, libraries: set[str]) -> bool:
    if kind == "module":
        return _has_module(name, libraries)
    return name in {"filter": engine.env.filters, "test": engine.env.tests, "lookup": engine.lookups}[kind]


def _has_module(name: str, libraries: set[str]) -> bool:
    from modules import registry
    from orchestrator.engine.actions import register_all

    register_all()
    bare = name
    for prefix in _BUILTIN:
        bare = bare.removeprefix(prefix)
    return bare in OWN or bare in libraries or registry.canonical(name) is not None


def _own_modules(plugin_folders: Iterable[str]) -> set[str]:
    """Names of the modules in the ``library/`` folders beside them."""
    found = set()
    for folder in {os.path.join(os.path.dirname(folder), "library") for folder in plugin_folders}:
        if os.path.isdir(folder):
            found |= {os.path.splitext(name)[0] for name in os.listdir(folder) if not name.startswith(("_", "."))}
    return found


def _nearest(kind: str, name: str, engine: Engine) -> str | None:
    from modules import registry

    if kind == "module":
        bare = name.rpartition(".")[2]
        close = difflib.get_close_matches(bare, registry.names(), n=1, cutoff=ALIKE)
        return EQUIVALENTS.get(bare) or (close[0] if close else None)
    table = {"filter": engine.env.filters, "test": engine.env.tests, "lookup": engine.lookups}[kind]
    names = table.all_names() if hasattr(table, "all_names") else list(table)
    close = difflib.get_close_matches(name.rpartition(".")[2], names, n=1, cutoff=0.6)
    return close[0] if close else None
