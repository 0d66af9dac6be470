"""A task's arguments for one host: rendered, with module_defaults below them and what is omitted left out."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modules import registry
from orchestrator.errors import TaskFault
from orchestrator.template.engine import OMIT
from orchestrator.template.types import Template

if TYPE_CHECKING:
    from orchestrator.engine.call import Call
    from orchestrator.model import Task

RAW, WHOLE = "_raw_params", "_args_template"


def rendered_arguments(call: Call) -> dict[str, Any]:
    """The arguments for the module or action, by the names the user wrote; free text under the module's own name.

    Raises `UndefinedVariable` and the like with the place of the argument.
    """
    task = call.task
    written = dict(task.args)
    whole = written.pop(WHOLE, None)
    args: dict[str, Any] = {}
    for layer in _defaults(call, task):
        args.update(layer)
    if whole is not None:
        args.update(_mapping(call.render(whole), task))
    for name, value in written.items():
        if task.action == "set_fact" and "{{" in str(name):
            name = str(call.render(Template(name, task.args.origin_of(name))))
        args[name] = call.run.engine.render(value, call.scope, task.args.value_origin(name) or task.origin)
    args = {name: value for name, value in args.items() if value is not OMIT}
    return _free_form(args, task)


def _defaults(call: Call, task: Task) -> list[Mapping[str, Any]]:
    """``module_defaults`` for this module, outermost first."""
    layers = []
    for layer in task.module_defaults:
        rendered = call.render(layer) if isinstance(layer, Template) else layer
        for name, values in _mapping(rendered, task).items():
            if registry.canonical(str(name)) == task.action:
                layers.append(_mapping(call.render(values), task))
    return layers


def _free_form(args: dict[str, Any], task: Task) -> dict[str, Any]:
    if RAW not in args:
        return args
    info = registry.describe(task.action)
    if info is None or info.free_form in (None, RAW):
        return args
    raw = args.pop(RAW)
    if info.free_form not in args and raw not in (None, ""):
        args[info.free_form] = raw
    return args


def _mapping(value: Any, task: Task) -> Mapping[str, Any]:
    if isinstance(value, str):
        # `args: "{{ 'a=b c=d' }}"` is what a few old playbooks hold.
        pairs = (word.partition("=") for word in shlex.split(value))
        return {name: text for name, sep, text in pairs if sep}
    if not isinstance(value, Mapping):
        raise TaskFault(f"arguments must be a mapping, not {type(value).__name__}", origin=task.origin,
                        code="arguments")
    return value
