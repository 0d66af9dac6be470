"""A task's arguments for one host: rendered, with module_defaults below them and what is omitted left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from modules import collection_names as homes
from modules import registry
from orchestrator.errors import SyntaxFault, TaskFault, TemplateError, VaultError
from orchestrator.template.engine import OMIT
from orchestrator.template.types import Template

if TYPE_CHECKING:
    from orchestrator.engine.call import Call
    from orchestrator.model import Task

GROUPS = {"docker": "docker_", "mysql": "mysql_", "postgresql": "postgresql_"}
"""Action groups of ``module_defaults`` (``group/docker``, ``group/community.docker.docker``) that have modules here,
and how the names of those begin. Groups of clouds mean modules that are not here either."""
AS_WRITTEN = {"assert": "that"}
"""Arguments that an action takes as the playbook has them: expressions, which it evaluates one by one."""
NO_MODULE = "/"
RAW, WHOLE, UNDER = "_raw_params", "_args_template", "_args_below_template"


def rendered_arguments(call: Call) -> dict[str, Any]:
    """The arguments for the module or action, by the names the user wrote; free text under the module's own name.

    Raises `UndefinedVariable` and the like with the place of the argument.
    """
    task = call.task
    written = dict(task.args)
    wholes = [written.pop(name) for name in (UNDER, WHOLE) if written.get(name) is not None]
    args: dict[str, Any] = {}
    for layer in defaults_of(call, task):
        args.update(layer)
    for whole in wholes:
        with _finalizing(task):
            made = call.render(whole)
        args.update(_finalized(made, task))
    for name, value in written.items():
        if task.action == "set_fact" and "{{" in str(name):
            name = call.render(Template(name, task.args.origin_of(name)))
        if AS_WRITTEN.get(task.action) == name:
            args[name] = value
            continue
        with _finalizing(task, name):
            args[name] = call.run.engine.render(value, call.scope, task.args.value_origin(name) or task.origin)
    if isinstance(args.get(RAW), Mapping) and task.bridged is not None:
        args = {**args.pop(RAW), **args}  # `module: "{{ mapping }} name=value"`
    args = {name: value for name, value in args.items() if value is not OMIT}
    return _free_form(args, task)


def defaults_of(call: Call, task: Task) -> list[Mapping[str, Any]]:
    """``module_defaults`` for this module, outermost first; below them those of the module that its action runs."""
    if task.action == "gather_facts" and task.bridged is None:
        return [*_own_defaults(call, replace(task, action="setup", action_written="setup")), *_own_defaults(call, task)]
    return _own_defaults(call, task)


def _own_defaults(call: Call, task: Task) -> list[Mapping[str, Any]]:
    """The innermost for each name: an inner ``{}`` takes back what stands around. A group's are below the module's."""
    groups: dict[str, Mapping[str, Any]] = {}
    own: list[Mapping[str, Any]] = []
    for layer in task.module_defaults:
        rendered = call.render(layer) if isinstance(layer, Template) else layer
        for name, values in _mapping(rendered, task).items():
            if _means(str(name), call, task):
                found = _mapping(call.render(values), task)
                if str(name).startswith("group/"):
                    groups[str(name)] = found
                else:
                    own = [found]
    return [*groups.values(), *own]


def _means(name: str, call: Call, task: Task) -> bool:
    """Whether a name in ``module_defaults`` is that of the task's module."""
    if task.bridged is not None and name.removeprefix("ansible.legacy.") in (task.action, task.action_written):
        return True
    if name.startswith("group/"):
        group = name.removeprefix("group/")
        return task.action.startswith(GROUPS.get(group.rpartition(".")[2], NO_MODULE)) or \
            not _names(task).isdisjoint(call.run.loader.action_group(group, task=task, play=call.play.play))
    return bool(registry.canonical(name) == task.action)


def _names(task: Task) -> set[str]:
    """The full names by which a group may list the task's module."""
    if task.bridged is None:
        return {_full_name(task), f"ansible.builtin.{task.action}", f"ansible.legacy.{task.action}"}
    name = str(task.bridged.name)
    return {name, f"ansible.legacy.{name}"} | (set() if task.bridged.own else {f"ansible.builtin.{name}"})


def _free_form(args: dict[str, Any], task: Task) -> dict[str, Any]:
    if RAW not in args:
        return args
    info = registry.describe(task.action) if task.bridged is None else None
    if info is not None and info.free_form is None and not info.allow_unknown:
        raise TaskFault(f"Task failed: Action '{task.action_written}' does not support raw params: it takes no "
                        "free text.", code="arguments",
                        origin=task.args.value_origin(RAW) or task.origin, hint="write name=value, or a mapping")
    if info is None or info.free_form in (None, RAW):
        return args
    raw = args.pop(RAW)
    if info.free_form not in args and raw not in (None, ""):
        args[info.free_form] = raw
    return args


@contextmanager
def _finalizing(task: Task, name: str | None = None) -> Iterator[None]:
    """What goes wrong in rendering is told as of this argument, in Ansible's words: playbooks match on them."""
    try:
        yield
    except (TemplateError, SyntaxFault, VaultError) as error:
        which = f"Error while resolving value for '{name}': " if name else ""
        raise error.within(f"Finalization of task args for '{_full_name(task)}' failed: {which}") from error.__cause__


def _finalized(value: Any, task: Task) -> Mapping[str, Any]:
    """All arguments made by one template (``args: "{{ … }}"``): a mapping, or nothing when it is omitted."""
    if value is OMIT:
        return {}
    if not isinstance(value, Mapping):
        raise TaskFault(f"Task failed: Finalization of task args for '{_full_name(task)}' failed: Task args must "
                        f"resolve to a 'dict' not '{type(value).__name__}'.", origin=task.origin, code="arguments")
    return value


def _full_name(task: Task) -> str:
    """The module's name with its collection, for messages."""
    return str(homes.full_name(task.action))


def _mapping(value: Any, task: Task) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TaskFault(f"arguments must be a mapping, not {type(value).__name__}", origin=task.origin,
                        code="arguments")
    return value
