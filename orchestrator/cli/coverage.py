"""What a survey of content found, beside what orch has: modules, filters, tests, lookups."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.errors import Origin
from orchestrator.playbook.modules import LANGUAGE
from orchestrator.playbook.survey import Survey, survey
from orchestrator.template.engine import Engine

if TYPE_CHECKING:
    from orchestrator.bridge.found import Found

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


class Coverage(NamedTuple):
    """``missing``, most used first; ``bridged``: modules that run as they are, from people's own files."""

    missing: list[Missing]
    bridged: list[str]


def coverage_of(found: Survey) -> Coverage:
    """What of a survey is not orch's own."""
    folders = sorted({os.path.dirname(folder) for folder in found.plugin_folders})
    engine = Engine(plugin_dirs=folders)
    places: dict[tuple[str, str], list[Origin]] = {}
    for use in found.uses:
        places.setdefault((use.kind, use.name), []).append(use.origin)
    absent = {(kind, name): at for (kind, name), at in places.items() if not _is_here(kind, name, engine)}
    bridged = _bridged([name for kind, name in absent if kind == "module"], folders)
    lacking = [Missing(kind, name, len(at), _nearest(kind, name, engine), tuple(dict.fromkeys(at)))
               for (kind, name), at in absent.items() if not (kind == "module" and name in bridged)]
    return Coverage(sorted(lacking, key=lambda one: (-one.uses, one.kind, one.name)), sorted(bridged))


def _is_here(kind: str, name: str, engine: Engine) -> bool:
    if kind == "module":
        return _has_module(name)
    return name in {"filter": engine.env.filters, "test": engine.env.tests, "lookup": engine.lookups}[kind]


def _has_module(name: str) -> bool:
    from modules import registry
    from orchestrator.engine.actions import register_all

    register_all()
    bare = name
    for prefix in _BUILTIN:
        bare = bare.removeprefix(prefix)
    return bare in LANGUAGE or registry.canonical(name) is not None


def _bridged(names: Sequence[str], folders: Sequence[str]) -> set[str]:
    """Those that the bridge finds: in ``library/`` folders, in collections, in the operator's ansible-core."""
    from orchestrator.bridge.bridge import Bridge
    from orchestrator.engine.setup import content_paths

    bridge = Bridge([str(path) for path in content_paths(os.environ, Path.cwd())[1]])
    at = [os.path.abspath(folder or ".") for folder in folders]
    return {name for name in names if _runs(bridge.own(name, at) or bridge.other(name, at, ()))}


def _runs(module: Found | None) -> bool:
    return module is not None and module.refused is None


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
