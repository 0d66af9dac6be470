"""include_tasks and include_role: what they bring in while a run goes on, in the context of the including task."""

from __future__ import annotations

import os
from typing import Any

from msgspec.structs import replace

from orchestrator.model import Block, IncludedRole, Play, Task
from orchestrator.playbook.compilation import Compilation
from orchestrator.playbook.context import Context, PlayState, context_for
from orchestrator.playbook.files import first_existing, task_file_candidates
from orchestrator.playbook.roles import RoleUse, compile_role
from orchestrator.playbook.tasks import BLOCK_KEYS, compile_tasks
from orchestrator.playbook.validate import check_apply
from orchestrator.template.types import Map

Node = Task | Block


def included_tasks(c: Compilation, name: str, task: Task, play: Play, params: Map,
                   apply: Any) -> tuple[list[Node], list[Node]]:
    """The tasks of a file, and handlers of roles imported in it. Raises ContentError when there is no such file."""
    context = _context(c, task, play, params, apply)
    path = first_existing(task_file_candidates(name, context, c.top_dir), "the file of tasks", name,
                          task.args.value_origin("file") or task.origin)
    inner = replace(context.in_folder(os.path.dirname(path), path), files=(path,))
    nodes = compile_tasks(c, c.read_tasks(path), inner, f"{task.id}/{name}.t")
    return nodes, context.play.handlers


def included_role(c: Compilation, name: str, task: Task, play: Play, *, files: dict[str, str], params: Map, apply: Any,
                  public: bool, allow_duplicates: bool, validate: bool) -> IncludedRole | None:
    """A role with its dependencies; None when it could not be found (the fault is recorded)."""
    context = _context(c, task, play, params, apply)
    use = RoleUse(
        name, f"{task.id}/{name}", task.args.value_origin("name") or task.origin, replace(context, files=()),
        files=files, validate=validate, public=public, allow_duplicates=allow_duplicates, from_include=True,
    )
    compiled = compile_role(c, use)
    if compiled is None:
        return None
    return IncludedRole(compiled.role, compiled.blocks, [*compiled.handlers, *context.play.handlers])


def _context(c: Compilation, task: Task, play: Play, params: Map, apply: Any) -> Context:
    """What the tasks inherit: what surrounds the include, its ``vars``, its ``apply``; nothing else of it."""
    handed = context_for(task, play, os.path.dirname(play.origin.file))
    outer = handed.context
    state = PlayState(play.id, play.index, outer.play.base_dir, play.vars, roles=list(play.roles),
                      prompted=outer.play.prompted)
    layers = tuple(layer for layer in (params, handed.vars) if layer)
    context = replace(outer, play=state, include_params=(*outer.include_params, *layers))
    context = context.came_by(f"{task.action} at {task.origin}")
    if isinstance(apply, dict) and apply:
        apply = apply if isinstance(apply, Map) else Map(apply)
        check_apply(c, Map({"apply": apply}, origin=task.origin))
        context = context.folded(c.keywords(apply, "block", owner="a Block", ignore=frozenset(BLOCK_KEYS)))
    return context
