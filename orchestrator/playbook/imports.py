"""import_tasks and import_role: what they name takes their place while the playbook is read."""

from __future__ import annotations

import os
from typing import Any

from orchestrator.errors import ContentError, Origin
from orchestrator.model import Block
from orchestrator.playbook.action import Action
from orchestrator.playbook.arguments import RAW
from orchestrator.playbook.compilation import Compilation
from orchestrator.playbook.context import Context
from orchestrator.playbook.files import first_existing, task_file_candidates
from orchestrator.playbook.loops import loop_keys
from orchestrator.playbook.role_entries import static_name
from orchestrator.playbook.roles import RoleUse, compile_role
from orchestrator.playbook.tasks import compile_tasks
from orchestrator.playbook.validate import check_include
from orchestrator.playbook.values import Mistake, convert
from orchestrator.template.types import Map

WITHOUT_EFFECT = ("register", "until", "retries", "delay", "changed_when", "failed_when", "async", "poll")
FROM = {"tasks_from": "tasks", "vars_from": "vars", "defaults_from": "defaults", "handlers_from": "handlers"}


def compile_import(c: Compilation, action: Action, node: Map, args: Map, values: dict[str, Any], context: Context,
                   task_id: str) -> Block | None:
    """The container of what was imported; all keywords of the import are folded into it. None with a fault."""
    for key in loop_keys(node):
        c.faults.add(f"You cannot use loops on '{action.written}' statements. You should use "
                     f"'{action.name.replace('import', 'include')}' instead.", node.origin_of(key),
                     "an import is read before there are items", code="loop")
    for name in WITHOUT_EFFECT:
        if name in values:
            c.faults.warn("no_effect", f"{name} has no effect on {action.name}", node.origin_of(name))
    check_include(c, action.name, args, node)
    if action.name == "import_tasks":
        return _import_tasks(c, action, node, args, values, context, task_id)
    return _import_role(c, action, node, args, values, context, task_id)


def _import_tasks(c: Compilation, action: Action, node: Map, args: Map, values: dict[str, Any], context: Context,
                  task_id: str) -> Block | None:
    key = "file" if args.get("file") else RAW
    written, place = args.get(key), args.value_origin(key) or node.origin
    inner = context.folded(values)
    if not written:
        return None
    try:
        name = str(c.static(written, inner, "the file of import_tasks", place,
                            "facts and inventory variables come too late: use include_tasks"))
        path = first_existing(task_file_candidates(name, inner, c.top_dir), "the file of tasks", name, place)
    except ContentError as error:
        c.faults.take(error)
        return None
    if path in context.files:
        c.faults.add(f"{name} imports itself without end", place, "use include_tasks with a condition",
                     code="import_recursion")
        return None
    inner = inner.in_folder(os.path.dirname(path), path).came_by(f"{action.name} at {node.origin}")
    return Block(task_id, node.origin or Origin(path), values.get("name"),
                 compile_tasks(c, c.read_tasks(path), inner, f"{task_id}.t"), role=context.role,
                 any_errors_fatal=inner.nearest.get("any_errors_fatal"))


def _import_role(c: Compilation, action: Action, node: Map, args: Map, values: dict[str, Any], context: Context,
                 task_id: str) -> Block | None:
    key = "name" if args.get("name") else "role"
    place = args.value_origin(key) or node.origin
    name = static_name(c, args[key], context.folded(values), place) if args.get(key) else None
    if name is None:
        return None
    own = {word: value for word, value in values.items() if word != "vars"}
    inner = context.folded(own).came_by(f"{action.name} at {node.origin}")
    outer = context.folded(values)
    use = RoleUse(
        name, f"{task_id}/{name}", place or Origin(name), inner, vars=values.get("vars") or Map(),
        files=_files(c, args, outer), validate=_flag(c, args, "rolespec_validate", True, outer),
        allow_duplicates=_flag(c, args, "allow_duplicates", True, outer),
        public=_flag(c, args, "public", not c.private_roles, outer),
        from_include=True,
    )
    compiled = compile_role(c, use)
    if compiled is None:
        return None
    play = context.play
    play.roles += compiled.roles
    play.handlers += compiled.handlers
    return Block(task_id, node.origin or Origin(name), values.get("name"), compiled.blocks, role=context.role,
                 any_errors_fatal=inner.nearest.get("any_errors_fatal"))


def _files(c: Compilation, args: Map, context: Context) -> dict[str, str]:
    found = {}
    for word, kind in FROM.items():
        if args.get(word):
            try:
                found[kind] = str(c.static(args[word], context, word, args.value_origin(word), "use include_role"))
            except ContentError as error:
                c.faults.take(error)
    return found


def _flag(c: Compilation, args: Map, name: str, default: bool, context: Context) -> bool:
    if args.get(name) is None:
        return default
    try:
        written = c.static(args[name], context, name, args.value_origin(name), "use include_role")
    except ContentError as error:
        c.faults.take(error)
        return default
    try:
        value = convert("bool", written, args.value_origin(name))
    except Mistake as mistake:
        c.mistaken(name, args[name], args.value_origin(name), mistake)
        return default
    return value if isinstance(value, bool) else default
