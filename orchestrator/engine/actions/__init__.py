"""Actions: the controller's half of the tasks that have one. One file per action, loaded when first used.

An action file has ``ARGS`` (and ``RULES``, ``FREE_FORM`` … as a module has) when it exists on the controller alone, or
none of them when it wraps a module of that name; and ``async def run(call) -> value``.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from functools import cache, partial
from typing import Any

from modules import registry
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value

Action = Callable[[Call], Awaitable[Value]]

CONTROLLER_ONLY = {
    "debug": "debug", "set_fact": "set_fact", "assert": "assertion", "fail": "fail", "pause": "pause",
    "include_vars": "include_vars", "meta": "meta", "add_host": "add_host", "group_by": "group_by",
    "set_stats": "set_stats", "template": "template", "raw": "raw", "wait_for_connection": "wait_for_connection",
    "include_tasks": "include", "include_role": "include_role", "import_tasks": "include",
    "import_role": "include_role", "validate_argument_spec": "validate_argument_spec",
    "gather_facts": "gather_facts", "script": "script", "action": "named",
    "reboot": "reboot", "synchronize": "synchronize",
}
WRAPPING = {"copy": "copy", "fetch": "fetch", "unarchive": "unarchive", "assemble": "assemble",
            "async_status": "async_status", "uri": "uri", "expect": "expect", "bridged": "bridged",
            "package": "managed", "service": "managed"}


@cache
def action_for(name: str) -> Action:
    """The action for a canonical name; a plain module is run as it is."""
    file = CONTROLLER_ONLY.get(name) or WRAPPING.get(name)
    if file is None:
        return run_module
    action: Action = importlib.import_module(f"orchestrator.engine.actions.{file}").run
    return action


async def run_module(call: Call) -> Value:
    """Run the module of the task's own name with its arguments as they are."""
    return await call.execute(call.task.action, call.args)


def register_all() -> None:
    """Make the controller-only actions known by their names, so that playbooks that use them are checked as well.

    Cheap: an action's file is imported only when somebody asks for its arguments.
    """
    for name, file in CONTROLLER_ONLY.items():
        registry.register(name, partial(_describe, name, file))


def _describe(name: str, file: str) -> Any:
    module = importlib.import_module(f"orchestrator.engine.actions.{file}")
    return registry.ModuleInfo(
        name, getattr(module, "ARGS", {}), rules=getattr(module, "RULES", ()),
        free_form=getattr(module, "FREE_FORM", None), retry_safe=getattr(module, "RETRY_SAFE", True), check_mode="own",
        doc=module.__doc__ or "", kind="action", allow_unknown=getattr(module, "ALLOW_UNKNOWN", False),
    )
