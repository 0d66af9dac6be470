"""Runs the module that a template names.

Example:

    - action: "{{ ansible_pkg_mgr }} name=vim state=present"

Returns: what that module returns. Includes, imports and meta cannot be named this way: they shape the play itself.
"""

from __future__ import annotations

from msgspec.structs import replace

from modules import registry
from modules.api import Arg
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value
from orchestrator.errors import TaskFault
from orchestrator.playbook.action import DYNAMIC, NAMED, NAMED_TEXT, STATIC
from orchestrator.playbook.arguments import FREE_TEXT, text_arguments
from orchestrator.template.types import Map, Template

ARGS = {"_module": Arg("str", required=True, help="The module's name.")}
ALLOW_UNKNOWN = True


async def run(call: Call) -> Value:
    from orchestrator.engine.actions import action_for
    from orchestrator.engine.arguments import rendered_arguments

    written = call.task.args
    name = str(call.render(written[NAMED])).strip()
    meant = call.run.loader.module(name, task=call.task, play=call.play.play)
    action = meant.name if meant else None
    if meant is None or action is None or action in DYNAMIC | STATIC | {"meta", "action"}:
        near = registry.nearest(name)
        hint = f"did you mean {near}?" if near else "a template may name a module, no include or meta"
        if not isinstance(written[NAMED], Template):  # a role's own, let pass until now
            hint = "its collection is not installed here; `orch lint` lists all that is missing"
        raise TaskFault(f"couldn't resolve module/action '{name}'", code="module", origin=call.task.origin, hint=hint)
    args = Map({k: v for k, v in written.items() if k not in (NAMED, NAMED_TEXT)}, origin=written.origin)
    args.key_marks, args.value_marks = written.key_marks, written.value_marks
    if NAMED_TEXT in written:
        args.update(text_arguments(written[NAMED_TEXT], call.task.origin, free_text=action in FREE_TEXT))
    call.task = replace(call.task, action=action, action_written=name, args=args, bridged=meant.bridged)
    call.args = rendered_arguments(call)
    return await action_for(action if meant.bridged is None else "bridged")(call)
