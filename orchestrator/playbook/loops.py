"""``loop``, ``with_*`` and ``loop_control`` as a `Loop`."""

from __future__ import annotations

from typing import Any

from orchestrator.model import Loop, LoopControl
from orchestrator.playbook.action import is_loop_key
from orchestrator.playbook.compilation import Compilation
from orchestrator.playbook.faults import did_you_mean
from orchestrator.playbook.keywords import LOOP_CONTROL
from orchestrator.playbook.values import Mistake, convert, kind_name
from orchestrator.template.plugins import NAMESPACES
from orchestrator.template.types import Map, Seq, Template


def loop_keys(node: Map) -> list[str]:
    """The keys of a task that ask for a loop."""
    return [key for key in node if key == "loop" or is_loop_key(key)]


def loop_of(c: Compilation, node: Map) -> Loop | None:
    """The loop of a task, or None. More than one, or a ``loop`` over no list, is a fault (recorded)."""
    keys = loop_keys(node)
    control = _control(c, node)
    if len(keys) > 1:
        c.faults.add(
            f"duplicate loop in task: {keys[1]}", node.origin_of(keys[1]),
            f"{keys[0]} stands there already; a task has one loop", code="loop",
        )
    if not keys:
        return None
    key = keys[0]
    value, place = node[key], node.value_origin(key)
    kind = "loop" if key == "loop" else _lookup_name(c, key.removeprefix("with_"))
    if kind == "loop" and not isinstance(value, (list, Template)):
        hint = "use loop: \"{{ … | dict2items }}\" or with_dict" if isinstance(value, dict) else \
            "a name alone is text: write loop: \"{{ name }}\""
        c.faults.add(f"loop must be a list, not {kind_name(value)}", place, hint, code="loop")
        return None
    known = kind in ("loop", *c.syntax.lookups.all_names()) or "." in kind or c.syntax.lookups.directories
    if not known:
        c.faults.add(f"{key} is unknown: there is no lookup {kind}", node.origin_of(key),
                     did_you_mean(key, [f"with_{name}" for name in c.syntax.lookups.all_names()]), code="loop")
    c.check_templates(value)
    return Loop(kind, value, control, place)


def _lookup_name(c: Compilation, written: str) -> str:
    """Ours go by the bare name; a collection's by the whole one."""
    namespace, _, bare = written.rpartition(".")
    return bare if namespace in NAMESPACES and bare in c.syntax.lookups.all_names() else written


def _control(c: Compilation, node: Map) -> LoopControl:
    value, place = node.get("loop_control"), node.value_origin("loop_control")
    if value is None:
        return LoopControl()
    if not isinstance(value, Map):
        c.faults.add(f"loop_control must be a mapping, not {kind_name(value)}", place, code="keyword")
        return LoopControl()
    fields: dict[str, Any] = {}
    for name, raw in value.items():
        if name not in LOOP_CONTROL:
            c.faults.add(f"'{name}' is not a valid attribute for loop_control", value.origin_of(name),
                         did_you_mean(name, LOOP_CONTROL), code="keyword")
            continue
        try:
            converted = convert(LOOP_CONTROL[name], raw, value.value_origin(name))
        except Mistake as mistake:
            c.mistaken(name, raw, value.value_origin(name), mistake)
            continue
        if converted is not None:
            fields[name] = converted
    c.check_templates(Seq(fields.values()))
    c.check_conditions("break_when", fields.get("break_when") or ())
    _check_name(c, fields, value)
    return LoopControl(**fields)


def _check_name(c: Compilation, fields: dict[str, Any], node: Map) -> None:
    for name in ("loop_var", "index_var"):
        given = fields.get(name)
        if isinstance(given, str) and not given.isidentifier():
            c.faults.add(f"{name}: '{given}' is not a valid variable name", node.value_origin(name),
                         "names have letters, digits and underscores", code="variable_name")
