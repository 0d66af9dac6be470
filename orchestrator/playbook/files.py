"""Where a file named in a task is looked for. Pure but for asking whether a path exists."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from orchestrator.errors import ContentError, Origin
from orchestrator.model import Role
from orchestrator.playbook.context import Context
from orchestrator.playbook.faults import did_you_mean

KINDS = ("files", "templates", "tasks", "vars", "handlers")


def task_file_candidates(name: str, context: Context, top_dir: str) -> list[str]:
    """Where a file of tasks may be: beside the file that asks, outwards through those that led there, the role, the
    playbook."""
    if os.path.isabs(os.path.expanduser(name)):
        return [os.path.expanduser(name)]
    folders: list[str] = list(reversed(context.folders))
    if context.role is not None:
        kinds = ("handlers", "tasks") if context.handler else ("tasks",)
        for role in (context.role, *reversed(context.role.parents)):
            folders += [*(os.path.join(role.path, kind) for kind in kinds), role.path]
    for base in (context.play.base_dir, top_dir):
        folders += [base, os.path.join(base, "tasks")]
    return _joined(folders, name)


def file_candidates(kind: str, name: str, *, role: Role | None, asking_file: str,
                    base_dirs: Sequence[str]) -> list[str]:
    """Where a file, template or vars file may be: the role and those that pulled it in, the asking file's folder, the
    playbook; in each the folder of its kind first."""
    expanded = os.path.expanduser(name)
    if os.path.isabs(expanded):
        return [expanded]
    bases: list[str] = []
    if role is not None:
        bases += [one.path for one in (role, *reversed(role.parents))]
        bases += [one.path for one in role.dependencies]
    folder = os.path.dirname(asking_file)
    if os.path.basename(folder) in ("tasks", "handlers"):
        bases.append(os.path.dirname(folder))
    bases += [folder, *base_dirs]
    prefixed = expanded.startswith(f"{kind}{os.sep}")
    folders: list[str] = []
    for base in bases:
        folders += [base] if prefixed else [os.path.join(base, kind), base]
    if kind == "vars" and role is not None:
        folders.append(os.path.join(role.path, "tasks"))
    return _joined(folders, expanded)


def _joined(folders: Iterable[str], name: str) -> list[str]:
    return list(dict.fromkeys(os.path.normpath(os.path.join(folder, name)) for folder in folders))


def first_existing(candidates: Sequence[str], what: str, name: str, origin: Origin | None,
                   *, directories: bool = False) -> str:
    """The first candidate that is there. Raises `ContentError` that lists what was searched."""
    for path in candidates:
        if os.path.isfile(path) or (directories and os.path.isdir(path)):
            return path
    searched = "searched: " + ", ".join(os.path.abspath(path) for path in candidates)
    near = did_you_mean(os.path.basename(name), _neighbours(candidates))
    raise ContentError(f"{what} {name} was not found", origin=origin, hint=f"{near} {searched}" if near else searched,
                       code="file_missing")


def _neighbours(candidates: Iterable[str]) -> list[str]:
    names: list[str] = []
    for folder in dict.fromkeys(os.path.dirname(path) or "." for path in candidates):
        try:
            names += os.listdir(folder)
        except OSError:
            continue  # a folder that is searched need not exist
    return names
