"""Arguments against what the module declares, before any host is touched. Templated values are never faulted."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from agentlet.arguments import validate
from modules.api import Failed
from orchestrator.errors import Origin
from orchestrator.model import Task
from orchestrator.playbook.action import Action
from orchestrator.playbook.arguments import RAW, UNDER, WHOLE
from orchestrator.playbook.compilation import Compilation
from orchestrator.playbook.faults import did_you_mean, nearest
from orchestrator.playbook.keywords import META_WORDS, allowed
from orchestrator.playbook.values import holds_template
from orchestrator.template.types import Map, Template

INCLUDE_ARGUMENTS = {
    "include_tasks": frozenset({"file", "apply", RAW}),
    "import_tasks": frozenset({"file", RAW}),
    "include_role": frozenset({
        "name", "role", "tasks_from", "vars_from", "defaults_from", "handlers_from", "apply", "public",
        "allow_duplicates", "rolespec_validate", WHOLE,
    }),
    "import_role": frozenset({
        "name", "role", "tasks_from", "vars_from", "defaults_from", "handlers_from", "allow_duplicates",
        "rolespec_validate", "public", WHOLE,
    }),
}


def check_include(c: Compilation, name: str, args: Map, node: Map) -> None:
    """The arguments of an include or import: only the known ones, and a file or a role named."""
    known = INCLUDE_ARGUMENTS[name]
    for given in args:
        if given not in known:
            c.faults.add(f"Invalid options for {name}: {given}", args.origin_of(given),
                         did_you_mean(given, known - {RAW, WHOLE}, "variables for it are given below vars:"),
                         code="argument")
    if name.endswith("_role") and not (args.get("name") or args.get("role") or args.get(WHOLE)):
        c.faults.add(f"'name' is a required field for {name}.", args.origin or node.origin, "write “name: role”",
                     code="argument")
    if name.endswith("_tasks") and not (args.get("file") or args.get(RAW)):
        c.faults.add(f"No file specified for {name}", args.origin or node.origin, f"write “{name}: file.yml”",
                     code="argument")
    check_apply(c, args)


def check_apply(c: Compilation, args: Map) -> None:
    apply = args.get("apply")
    if apply is None or isinstance(apply, Template):
        return
    if not isinstance(apply, Map):
        c.faults.add("apply must be a mapping of keywords", args.value_origin("apply"), code="argument")
        return
    c.keywords(apply, "block", owner="a Block", ignore=frozenset({"block", "rescue", "always"} & set(apply)))
    for key in ("block", "rescue", "always"):
        if key in apply:
            c.unknown_keyword(apply, key, "include", "apply")


def check_arguments(c: Compilation, task: Task, action: Action) -> None:
    """Record a fault for each argument that is unknown, missing, of a wrong type or not among its choices."""
    if action.own_module:
        return
    if action.name == "meta":
        _check_meta(c, task, action)
        return
    info = c.registry.describe(action.name)
    if info is None:
        return
    given = _given(c, task, action, info)
    if given is None:
        return
    names = {alias: name for name, arg in info.args.items() for alias in (name, *arg.aliases)}
    meant = set() if info.allow_unknown else _check_unknown(c, task, action, given, names)
    literal = {names[key]: value for key, value in given.items() if key in names}
    for key, value in given.items():
        if key in names:
            _check_value(c, task, action, names[key], value, info.args[names[key]], _place(task, key))
    if WHOLE not in task.args:
        _check_presence(c, task, action, literal, meant, info)


def _given(c: Compilation, task: Task, action: Action, info: Any) -> dict[str, Any] | None:
    """The arguments by the names written, free text under the module's own name for it; None with a fault."""
    given = {key: value for key, value in task.args.items() if key not in (RAW, WHOLE, UNDER)}
    raw = task.args.get(RAW)
    if raw is not None:
        if info.free_form is None and not info.allow_unknown:
            c.faults.add(f"{action.written} takes no free text: {_short(task, raw)}",
                         _place(task, RAW), "write name=value, or the arguments as a mapping", code="argument")
            return None
        if info.free_form is not None:
            given.setdefault(info.free_form, raw)
    return given


def _short(task: Task, raw: Any) -> str:
    if task.no_log not in (None, False):
        return "(not shown: no_log)"
    words = str(raw.source if isinstance(raw, Template) else raw).strip()
    return words if len(words) <= 60 else words[:57] + "…"


def _place(task: Task, key: str) -> Origin | None:
    return task.args.origin_of(key) or task.origin


def _check_unknown(c: Compilation, task: Task, action: Action, given: Mapping[str, Any],
                   names: Mapping[str, str]) -> set[str]:
    """Fault every argument that the module does not have; returns those that were probably meant."""
    meant: set[str] = set()
    for key in given:
        if key in names:
            continue
        everything = f"it takes: {', '.join(sorted(set(names.values())))}" if names else "it takes no arguments"
        near = nearest(key, [name for name in names if not name.startswith("_")])
        hint = f"did you mean {near}?" if near else everything
        meant.update({names[near]} if near else ())
        if key in allowed("task") and near is None:
            hint = f"{key} is a keyword of the task: indent it as far as {action.written}"
        c.faults.add(f"{action.written} has no argument {key}", _place(task, key), hint, code="argument")
    return meant


def _check_value(c: Compilation, task: Task, action: Action, name: str, value: Any, arg: Any,
                 place: Origin | None) -> None:
    if value is None or holds_template(value):
        return
    one = copy.copy(arg)
    one.required = False
    try:
        validate({name: value}, {name: one})
    except Failed as failure:
        secret = task.no_log not in (None, False)
        message = f"the value of {name} is not right; it is not shown since the task has no_log" if secret \
            else failure.message
        c.faults.add(f"{action.written}: {message}", task.args.value_origin(_written(task, name, arg)) or place,
                     None if secret else failure.hint, code="argument")


def _written(task: Task, name: str, arg: Any) -> str:
    return next((key for key in (name, *arg.aliases, RAW) if key in task.args), name)


def _check_presence(c: Compilation, task: Task, action: Action, given: Mapping[str, Any], meant: set[str],
                    info: Any) -> None:
    defaults = _defaulted(c, task)
    if defaults is None:
        return
    present = {name for name, value in given.items() if value is not None} | defaults | meant
    place = action.origin or task.origin
    for name, arg in info.args.items():
        if arg.required and name not in present:
            c.faults.add(f"{action.written}: the argument {name} is required", place, arg.help or None, code="argument")
    values = {name: arg.default for name, arg in info.args.items() if arg.default is not None} | dict(given)
    for kind, names in info.rules:
        known = set(values) | present if kind in ("one_of", "required_if", "required_by") else present
        message = _broken(kind, names, values, known, present)
        if message:
            c.faults.add(f"{action.written}: {message}", place, None, code="argument")


def _broken(kind: str, names: Any, given: Mapping[str, Any], known: set[str], present: set[str]) -> str | None:
    """What a rule says to the arguments; None when it holds or cannot be told before templates are rendered.

    ``present``: the arguments given. ``known``: those that have a value, a default perhaps.
    """
    if kind == "exclusive":
        both = [name for name in names if name in present and not holds_template(given.get(name))]
        return f"at most one of these may be given: {', '.join(both)}" if len(both) > 1 else None
    if kind == "one_of":
        return None if known & set(names) else f"one of these must be given: {', '.join(names)}"
    if kind == "together":
        certain = [name for name in names if name in present and not holds_template(given.get(name))]
        missing = [name for name in names if name not in present]
        return f"{', '.join(certain)} needs {', '.join(missing)} as well" if certain and missing else None
    if kind == "required_if":
        needed = [name for name in names[2:] if name not in known]
        return f"when {names[0]} is {names[1]}, {', '.join(needed)} is required" \
            if needed and given.get(names[0]) == names[1] else None
    needed = [name for name in names[1:] if name not in known]
    certain_by = names[0] in present and not holds_template(given.get(names[0]))
    return f"{names[0]} needs {', '.join(needed)}" if kind == "required_by" and needed and certain_by else None


def _defaulted(c: Compilation, task: Task) -> set[str] | None:
    """Arguments that ``module_defaults`` gives; None when that cannot be told yet."""
    found: set[str] = set()
    for layer in task.module_defaults:
        if not isinstance(layer, dict):
            return None
        for name, values in layer.items():
            if str(name).startswith("group/"):
                return None
            if c.registry.canonical(str(name)) == task.action:
                if not isinstance(values, dict):
                    return None
                found |= set(values)
    return found


def _check_meta(c: Compilation, task: Task, action: Action) -> None:
    word = task.args.get(RAW) or task.args.get("free_form")
    if isinstance(word, Template) or word in META_WORDS:
        return
    place = task.args.value_origin(RAW) or action.value_origin or task.origin
    c.faults.add(f"invalid meta action requested: {word}", place,
                 did_you_mean(word, META_WORDS, f"it is one of: {', '.join(META_WORDS)}"), code="argument")
