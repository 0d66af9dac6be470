"""A task's arguments as one mapping, however they were written: text, mapping, ``args:``, or one template for all."""

from __future__ import annotations

from typing import Any

from orchestrator.errors import Origin
from orchestrator.playbook.action import DYNAMIC, STATIC, Action
from orchestrator.playbook.arguments_text import Unbalanced, split_arguments
from orchestrator.playbook.compilation import Compilation
from orchestrator.playbook.values import kind_name, merged
from orchestrator.template.types import Map, Seq, Template, TrustedText

RAW, WHOLE, UNDER = "_raw_params", "_args_template", "_args_below_template"
FREE_TEXT = frozenset({"command", "shell", "raw", "script"})
"""Modules whose text is a command line."""


def arguments_of(c: Compilation, action: Action, node: Map) -> Map:
    """The arguments; what cannot be read is a fault (recorded) and left out.

    What stands at the module wins over ``args:``. ``_raw_params`` holds free text, ``_args_template`` a template that
    gives all arguments at once, ``_args_below_template`` one of ``args:`` below it.
    """
    beside = _beside(c, node)
    own = _own(c, action)
    if isinstance(own.get("args"), dict) and "args" in own and action.name not in FREE_TEXT:
        own = _nested(own)
    if WHOLE in beside and WHOLE in own:
        beside = _single(UNDER, beside[WHOLE], beside.origin)
    args = merged(beside, own, origin=own.origin or beside.origin or action.value_origin)
    c.check_templates(args)
    return args


def _beside(c: Compilation, node: Map) -> Map:
    """The ``args:`` keyword."""
    value, place = node.get("args"), node.value_origin("args")
    if value is None:
        return Map()
    if isinstance(value, dict):
        return merged(value if isinstance(value, Map) else Map(value), origin=place)
    if isinstance(value, Template):
        return _single(WHOLE, value, place)
    if isinstance(value, str):
        return _from_text(c, value, place, free_text=False)
    c.faults.add(f"args must be a mapping, not {kind_name(value)}", place, "write “name: value” lines", code="argument")
    return Map()


def _own(c: Compilation, action: Action) -> Map:
    value, place = action.value, action.value_origin
    if value is None:
        return Map(origin=place)
    if isinstance(value, dict):
        return merged(value if isinstance(value, Map) else Map(value), origin=place)
    if isinstance(value, (str, Template)):
        return _from_own_text(c, action, value)
    if isinstance(value, list) and action.name in FREE_TEXT | DYNAMIC | STATIC:
        c.faults.add(f"{action.written} takes a text or a mapping, not {kind_name(value)}", place, code="argument")
        return Map(origin=place)
    if isinstance(value, (bool, int, float)) and not isinstance(value, Seq):
        return _single(RAW, str(value), place)
    c.faults.add(f"{action.written} takes a mapping of arguments, not {kind_name(value)}", place,
                 "write “name: value” lines below it", code="argument")
    return Map(origin=place)


def _from_own_text(c: Compilation, action: Action, value: str | Template) -> Map:
    source = value.source if isinstance(value, Template) else value
    if isinstance(value, Template) and action.name not in FREE_TEXT and _is_one_expression(source):
        key = RAW if action.name in DYNAMIC | STATIC or action.name in ("meta", "include_vars") else WHOLE
        return _single(key, value, action.value_origin)
    return _from_text(c, value, action.value_origin, free_text=action.name in FREE_TEXT)


def _is_one_expression(source: str) -> bool:
    text = source.strip()
    return text.startswith("{{") and text.endswith("}}") and text.count("{{") == 1


def _from_text(c: Compilation, value: str | Template, place: Origin | None, *, free_text: bool) -> Map:
    try:
        return text_arguments(value, place, free_text=free_text)
    except Unbalanced as error:
        c.faults.add(f"cannot split the arguments: {error}", place,
                     "quote the whole text, or write the arguments as a mapping", code="argument")
        return Map(origin=place)


def text_arguments(value: str | Template, place: Origin | None, *, free_text: bool) -> Map:
    """``a=1 b="{{ x }}" rest`` as arguments. Raises `Unbalanced` for a quote or a brace that is not closed."""
    source = value.source if isinstance(value, Template) else value
    pairs, rest = split_arguments(source, free_text=free_text)
    result = Map(origin=place)
    for name, text in [*pairs.items(), *([(RAW, rest)] if rest else [])]:
        _put(result, name, _template(text, value), place)
    return result


def _template(text: str, whole: str | Template) -> Any:
    """Text cut out of a template is a template when it holds Jinja; out of what is not trusted it is plain."""
    if isinstance(whole, Template) and any(mark in text for mark in ("{{", "{%", "{#")):
        return Template(text, whole.origin)
    return TrustedText(text) if isinstance(whole, (Template, TrustedText)) else text


def _single(name: str, value: Any, place: Origin | None) -> Map:
    result = Map(origin=place)
    _put(result, name, value, place)
    return result


def _put(target: Map, name: str, value: Any, place: Origin | None) -> None:
    target[name] = value
    if place:
        target.key_marks[name] = target.value_marks[name] = (place.line, place.column)


def _nested(own: Map) -> Map:
    """``module: {args: {…}}``: an old spelling, the inner ones below the outer ones."""
    inner = own["args"]
    return merged(inner if isinstance(inner, Map) else Map(inner), Map(
        {key: value for key, value in own.items() if key != "args"}, origin=own.origin), origin=own.origin)
