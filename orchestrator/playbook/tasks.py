"""One mapping of a task list as a `Task`, a `Block`, or what a static import brings in its place."""

from __future__ import annotations

from typing import Any

from orchestrator.errors import Origin
from orchestrator.model import Block, Task
from orchestrator.playbook.action import DYNAMIC, STATIC, Action, find_action, is_loop_key
from orchestrator.playbook.arguments import arguments_of
from orchestrator.playbook.compilation import Compilation
from orchestrator.playbook.context import Context, Inherited, inherited_fields
from orchestrator.playbook.keywords import allowed
from orchestrator.playbook.loops import loop_of
from orchestrator.playbook.validate import check_arguments, check_include
from orchestrator.playbook.values import kind_name
from orchestrator.template.types import Map, Seq

BLOCK_KEYS = ("block", "rescue", "always")
Node = Task | Block
EXPECTABLE = frozenset({"argument", "syntax", "keyword_value"})
"""Codes of the faults that Ansible too finds only when the task's turn comes."""

FOUND_AGAIN = frozenset({"argument", "syntax"})
"""Those of them that are found again when the task is done, since what is wrong stays in it."""


def compile_tasks(c: Compilation, items: list[Any], context: Context, prefix: str) -> list[Node]:
    """A list of tasks. ``prefix`` and the position make the ids: ``p0.t`` gives ``p0.t0``, ``p0.t1`` …"""
    nodes: list[Node] = []
    for number, item in enumerate(items):
        place = items.item_origin(number) if isinstance(items, Seq) else None
        if item is None:
            continue
        if not isinstance(item, Map):
            c.faults.add(f"a task must be a mapping, not {kind_name(item)}", place or getattr(item, "origin", None),
                         "write “- name: …” and the module below it", code="task")
            continue
        node = compile_task(c, item, context, f"{prefix}{number}")
        if node is not None:
            nodes.append(node)
    return nodes


def compile_task(c: Compilation, node: Map, context: Context, task_id: str) -> Node | None:
    if any(key in node for key in BLOCK_KEYS):
        return compile_block(c, node, context, task_id)
    action = find_action(c, node, context)
    scope = "handler" if context.handler else "task"
    if action is None:
        # The rest of the task is still worth reading.
        words = frozenset(key for key in node if key not in allowed(scope))
        c.keywords(node, scope, owner="a Task", ignore=words | {"args"})
        loop_of(c, node)
        return None
    if action.name == "import_playbook":
        c.faults.add("import_playbook stands at the top of a playbook, beside plays", action.origin, code="action")
        return None
    before = len(c.faults.errors)
    ignore = action.keys | {key for key in node if is_loop_key(key)} | {"args", "loop", "loop_control"}
    if action.name in DYNAMIC:
        owner = "TaskInclude" if action.name == "include_tasks" else "IncludeRole"
        values = c.keywords(node, "include", owner=f"a {owner}", ignore=ignore | ({"listen"} & set(node)))
        values.update(c.keywords(_part(node, "listen"), scope, owner="a Handler"))
    else:
        values = c.keywords(node, scope, owner="a Task", ignore=ignore)
    if action.local:
        values["delegate_to"] = "localhost"
    found = _finish(c, node, action, values, context, task_id)
    if isinstance(found, Task):
        _expect_fault(c, found, before, context.role is not None)
    return found




def _part(node: Map, *names: str) -> Map:
    part = Map({name: node[name] for name in names if name in node}, origin=node.origin)
    part.key_marks, part.value_marks = node.key_marks, node.value_marks
    return part


def _expect_fault(c: Compilation, task: Task, since: int, in_role: bool) -> None:
    """With ``ignore_errors: true`` a wrong argument or template is the task's failure, which its author has in hand.

    In a role it fails when it is reached, as in Ansible, and is a warning until then: roles are often somebody else's,
    and some have lived for years with a task that never is.
    """
    if task.ignore_errors is not True:
        late = c.faults.withdraw(since, FOUND_AGAIN) if in_role else None
        if late is not None:
            c.faults.warn("late_fault", f"this task fails if it is reached: {late.message}", late.origin, late.hint)
        return
    task.fault = c.faults.withdraw(since, EXPECTABLE)
    if task.fault is not None:
        c.faults.warn("expected_failure", f"this task will fail: {task.fault.message}", task.fault.origin,
                      "its ignore_errors lets the play go on")


def _finish(c: Compilation, node: Map, action: Action, values: dict[str, Any], context: Context,
            task_id: str) -> Node | None:
    before = len(c.faults.errors)
    args = arguments_of(c, action, node)
    readable = len(c.faults.errors) == before
    if action.name in STATIC:
        from orchestrator.playbook.imports import compile_import

        return compile_import(c, action, node, args, values, context, task_id)
    loop = loop_of(c, node)
    task = make_task(c, node, action, args, values, context, task_id)
    task.loop = loop
    if action.name in DYNAMIC:
        check_include(c, action.name, args, node)
        task.inherited = Inherited(context, values.get("vars") or Map())
    elif readable:
        check_arguments(c, task, action)
    return task


def make_task(c: Compilation, node: Map, action: Action, args: Map, values: dict[str, Any], context: Context,
              task_id: str) -> Task:
    """The task with its own keywords and everything it inherits."""
    inner = context.folded(values)
    return Task(
        id=task_id, origin=node.origin or Origin("<task>"), action=action.name, action_written=action.written,
        args=args, name=values.get("name"), register=_register(c, node, values), until=values.get("until") or (),
        retries=values.get("retries"), delay=values.get("delay"), changed_when=values.get("changed_when") or None,
        failed_when=values.get("failed_when") or None, listen=values.get("listen") or (),
        async_s=values.get("async"), poll=values.get("poll"), bridged=action.bridged, **inherited_fields(inner),
    )


def _register(c: Compilation, node: Map, values: dict[str, Any]) -> str | None:
    name = values.get("register")
    if name is None:
        return None
    if not isinstance(name, str) or not name.isidentifier():
        shown = getattr(name, "source", name)
        c.faults.add(f"register: '{shown}' is not a valid variable name", node.value_origin("register"),
                     "names have letters, digits and underscores; templates are not possible here",
                     code="variable_name")
        return None
    return name


def compile_block(c: Compilation, node: Map, context: Context, block_id: str) -> Block:
    """``block`` with ``rescue`` and ``always``; its keywords are folded into all three."""
    values = c.keywords(node, "block", owner="a Block")
    for key in ("rescue", "always"):
        if key in node and "block" not in node:
            c.faults.add(f"'{key}' keyword cannot be used without 'block'", node.origin_of(key),
                         "put the tasks it belongs to below block:", code="block")
    inner = context.folded(values)
    lists = [compile_tasks(c, values.get(key) or [], inner, f"{block_id}.{short}")
             for key, short in (("block", "b"), ("rescue", "rescue"), ("always", "always"))]
    return Block(block_id, node.origin or Origin("<block>"), values.get("name"), lists[0], lists[1], lists[2],
                 role=context.role, any_errors_fatal=inner.nearest.get("any_errors_fatal"))
