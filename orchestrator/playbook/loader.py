"""`PlaybookLoader`: from files to a `Playbook`, all faults at once; and what is included while a run goes on."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from orchestrator.errors import ContentError, Origin
from orchestrator.model import Block, IncludedRole, Play, Playbook, Task
from orchestrator.playbook.compilation import Compilation, Render, SyntaxChecker
from orchestrator.playbook.context import context_for
from orchestrator.playbook.faults import Caution
from orchestrator.playbook.files import KINDS, file_candidates, first_existing, task_file_candidates
from orchestrator.playbook.includes import included_role, included_tasks
from orchestrator.playbook.modules import Meant, folders, meant
from orchestrator.playbook.playbook_files import compile_file
from orchestrator.playbook.role_search import RoleSearch
from orchestrator.playbook.values import Mistake, convert
from orchestrator.template.types import Map

if TYPE_CHECKING:
    from orchestrator.content.loader import ContentLoader
    from orchestrator.template.engine import Engine


class PlaybookLoader:
    """Reads playbooks once; then serves the includes of their runs. Not for use by two threads at a time.

    ``render(value, names)`` renders what must be known before any host is asked (names of imported files and roles,
    host patterns); the engine's own rendering over ``names`` when left out. ``engine`` checks Jinja syntax.
    """

    def __init__(
        self,
        *,
        content: ContentLoader,
        registry: Any,
        role_paths: Sequence[str | Path] = (),
        collection_paths: Sequence[str | Path] = (),
        render: Render | None = None,
        engine: Engine | None = None,
        settings: Mapping[str, Any] | None = None,
        bridge: Any = None,
    ) -> None:
        self.content = content
        self.bridge = bridge
        """What finds modules that the registry has not, and packs them; see `ModuleFinder`."""
        self.registry = registry
        self.settings = dict(settings or {})
        self.cautions: list[Caution] = []
        """What works and should be changed, found so far; with places."""
        self._roles = RoleSearch(role_paths, collection_paths)
        self._render = render
        self._engine = engine
        self._extra_vars: Mapping[str, Any] = {}
        self._top_dir = ""
        self._base_dirs: dict[str, str] = {}

    def load(self, paths: Sequence[str | Path], extra_vars: Mapping[str, Any] | None = None) -> Playbook:
        """All plays of these files, in order. Raises `Faults` with everything that is wrong in them."""
        self._extra_vars = extra_vars or {}
        plays: list[Play] = []
        names = [os.fspath(path) for path in paths]
        compilation = None
        for name in names:
            first = len(plays)
            self._top_dir = os.path.dirname(name)
            previous, compilation = compilation, self._compilation()
            if previous is not None:
                compilation.faults = previous.faults
            compile_file(compilation, name, plays)
            self._base_dirs.update((play.id, self._top_dir) for play in plays[first:])
        if compilation is not None:
            self._finish(compilation)
        return Playbook(tuple(names), plays, self.content.digest)

    def include_tasks(self, path: str, *, task: Task, play: Play, params: Mapping[str, Any] | None = None,
                      apply: Any = None) -> list[Task | Block]:
        """The tasks of a file for an include_tasks of this run. Raises `Faults` or ContentError.

        ``params`` (loop items …) and the include's own ``vars`` become the tasks' include_params. Handlers of roles
        that the file imports statically are appended to ``play.handlers``, each once.
        """
        compilation = self._compilation(play)
        nodes, handlers = included_tasks(compilation, path, task, play, _as_map(params), apply)
        self._finish(compilation)
        known = {handler.id for handler in play.handlers}
        play.handlers.extend(handler for handler in handlers if handler.id not in known)
        return nodes

    def include_role(self, name: str, *, task: Task, play: Play, tasks_from: str = "main", vars_from: str = "main",
                     defaults_from: str = "main", handlers_from: str = "main", params: Mapping[str, Any] | None = None,
                     apply: Any = None, public: bool | None = None, allow_duplicates: bool = True,
                     rolespec_validate: bool = True) -> IncludedRole:
        """A role for an include_role of this run, its dependencies before it. Raises `Faults` or ContentError."""
        compilation = self._compilation(play)
        files = {"tasks": tasks_from, "vars": vars_from, "defaults": defaults_from, "handlers": handlers_from}
        result = included_role(
            compilation, name, task, play, files={kind: file or "main" for kind, file in files.items()},
            params=_as_map(params), apply=apply,
            public=compilation.private_roles is False if public is None else _truth("public", public, task),
            allow_duplicates=_truth("allow_duplicates", allow_duplicates, task),
            validate=_truth("rolespec_validate", rolespec_validate, task),
        )
        self._finish(compilation)
        assert result is not None  # what could not be found has been raised
        return result

    def module(self, written: str, *, task: Task, play: Play) -> Meant | None:
        """The module that a name means in a task of this run, when only the run could tell the name."""
        base = os.path.dirname(play.origin.file)
        context = replace(context_for(task, play, base).context, collections=task.collections)
        return meant(self._compilation(play), written, context)

    def action_group(self, group: str, *, task: Task, play: Play) -> frozenset[str]:
        """The full names of the modules in an action group of content's collections; none for one nobody has."""
        if self.bridge is None:
            return frozenset()
        context = context_for(task, play, os.path.dirname(play.origin.file)).context
        names: frozenset[str] = self.bridge.action_group(group, tuple(folders(self._compilation(play), context)))
        return names

    def resolve_file(self, kind: str, name: str, *, task: Task, play: Play) -> Path:
        """The absolute path of a file that a task names. ``kind``: files, templates, tasks, vars.

        Searched as in Ansible: the task's role, the roles that pulled it in, the folder of the file that the task
        stands in, the playbook's folder; in each the folder ``kind`` first. Raises `ContentError` that lists them all.
        """
        if kind not in KINDS:
            raise ValueError(f"unknown kind of file: {kind}")
        top = self._base_dirs.get(play.id, self._top_dir)
        bases = (os.path.dirname(play.origin.file), top)
        if kind in ("tasks", "handlers"):
            candidates = task_file_candidates(name, context_for(task, play, bases[0]).context, top)
        else:
            candidates = file_candidates(kind, name, role=task.role, asking_file=task.origin.file, base_dirs=bases)
        what = {"files": "the file", "templates": "the template", "vars": "the file of variables"}.get(
            kind, "the file of tasks")
        path = first_existing(candidates, what, name, _asked_at(task, name), directories=kind == "files")
        slash = os.sep if name.endswith("/") else ""
        return Path(os.path.abspath(path) + slash)

    def _compilation(self, play: Play | None = None) -> Compilation:
        return Compilation(
            content=self.content, registry=self.registry, roles=self._roles, render=self._rendering(),
            syntax=self._syntax(), extra_vars=self._extra_vars, bridge=self.bridge,
            private_roles=self.settings.get("private_role_vars"),
            top_dir=self._base_dirs.get(play.id, self._top_dir) if play else self._top_dir,
        )

    def _finish(self, compilation: Compilation) -> None:
        self.cautions += [one for one in compilation.faults.cautions if one not in self.cautions]
        compilation.faults.raise_all()

    def _syntax(self) -> SyntaxChecker:
        if self._engine is None:
            from orchestrator.template.engine import Engine

            self._engine = Engine()
        return self._engine

    def _rendering(self) -> Render:
        if self._render is not None:
            return self._render
        self._syntax()
        engine = self._engine
        assert engine is not None

        def render(value: Any, names: Mapping[str, Any]) -> Any:
            return engine.render(value, NamesScope(names))

        return render


class NamesScope:
    """A scope over a plain mapping of names."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.memo: dict[str, Any] = {}

    def lookup(self, name: str) -> Any:
        return self.values[name]

    def names(self) -> set[str]:
        return set(self.values)


def _asked_at(task: Task, name: str) -> Origin | None:
    """Where a task names this file, or the task itself when it was made up by a template."""
    return next((task.args.value_origin(key) for key, value in task.args.items() if value == name), task.origin)


def _truth(name: str, value: Any, task: Task) -> bool:
    """An option of include_role, rendered by now; "yes" and "no" count. Raises `ContentError` at its place."""
    try:
        return convert("bool", value, None) is True
    except Mistake as mistake:
        raise ContentError(f"{name} {mistake}", origin=task.args.value_origin(name) or task.origin,
                           hint=mistake.hint) from mistake


def _as_map(params: Mapping[str, Any] | None) -> Map:
    return params if isinstance(params, Map) else Map(params or {})


