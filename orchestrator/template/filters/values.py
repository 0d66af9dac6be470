"""Filters on single values: booleans, choice, chance, text."""

from __future__ import annotations

import random as chance
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Undefined as AnyUndefined
from jinja2 import pass_environment

from orchestrator.errors import TemplateError, UndefinedVariable
from orchestrator.template.faults import words_of
from orchestrator.template.types import VaultedText
from orchestrator.template.undefined import Undefined

_TRUE = frozenset({"yes", "on", "1", "true", "t", "y"})


def to_bool(value: Any) -> bool:
    """yes, on, 1, true (any case) and the number 1 are true; all else is false."""
    if isinstance(value, AnyUndefined):
        str(value)
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, str):
        return value.lower() in ("yes", "on", "1", "true")
    return bool(isinstance(value, (int, float)) and value == 1)


def mandatory(value: Any, message: str | None = None) -> Any:
    """``value``; raises UndefinedVariable when it is none, in the author's words if given."""
    if isinstance(value, AnyUndefined):
        name = value._undefined_name
        shown = f"Mandatory variable {name!r} not defined." if name else "Mandatory variable not defined."
        raise UndefinedVariable(str(message) if message else shown)
    return value


def ternary(value: Any, true_val: Any, false_val: Any = None, none_val: Any = None) -> Any:
    """The second when true, the third when not; the fourth, if given, when ``value`` is null."""
    if value is None and none_val is not None:
        return none_val
    return true_val if value else false_val


def finalize(value: Any) -> Any:
    """The value as it would be stored: plain lists, mappings and scalars."""
    from orchestrator.template.plain import to_plain

    return to_plain(value, lambda raw: raw)


def dump_object(value: Any) -> Any:
    """The value, or what is wrong with the expression that should give it: ``exception`` with its ``message``."""
    if isinstance(value, AnyUndefined):
        return {"exception": {"message": value._undefined_message}}
    if isinstance(value, Exception):
        return {"exception": {"message": words_of(value)}}
    return value


def type_debug(value: Any) -> str:
    """The name of the value's type."""
    name = type(value).__name__
    return {"LazyMap": "dict", "LazySeq": "list", "Undefined": "UndefinedMarker"}.get(name, name)


def quote(value: Any) -> str:
    """One word of a shell."""
    return shlex.quote("" if value is None else str(value))


def to_string(value: Any) -> str:
    """As text."""
    return value if type(value) in (str, VaultedText) else str(value)


def split(value: str, sep: str | None = None, maxsplit: int = -1) -> list[str]:
    """``str.split``."""
    return str(value).split(sep, maxsplit)


@pass_environment
def pick(environment: Any, end: Any, start: Any = None, step: Any = None, seed: Any = None) -> Any:
    """A random number below ``end``, or a random item of it; the same one for the same ``seed``."""
    source = chance.Random(seed) if seed is not None else chance.SystemRandom()
    if isinstance(end, int):
        return source.randrange(start or 0, end, step or 1)
    if start is not None or step is not None:
        raise TemplateError("start and step can only be used with integer values")
    try:
        items: Sequence[Any] = end if isinstance(end, str) else list(end)
    except TypeError:
        raise TemplateError("random can only be used on sequences and integers") from None
    if not items:
        return Undefined(hint="no random item, the sequence is empty")
    return source.choice(items)


def shuffle(values: Any, seed: Any = None) -> Any:
    """In random order; what is no list stays as it is; the same one for the same ``seed``."""
    try:
        items = list(values)
    except TypeError:
        return values
    (chance.Random(seed) if seed is not None else chance.SystemRandom()).shuffle(items)
    return items


_STYLES: Mapping[str, Mapping[str, str]] = {
    "plain": {"decoration": "# "},
    "erlang": {"decoration": "% "},
    "c": {"decoration": "// "},
    "cblock": {"beginning": "/*", "decoration": " * ", "end": " */"},
    "xml": {"beginning": "<!--", "decoration": " - ", "end": "-->"},
}


def comment(text: Any, style: str = "plain", **given: Any) -> str:
    """``text`` as a comment of a configuration file, with an empty comment line around it."""
    if style not in _STYLES:
        raise TemplateError(f"Invalid style {style!r} for comment", hint=f"there are: {', '.join(_STYLES)}")
    chosen = {**_STYLES[style], **{key: str(value) for key, value in given.items() if key != "newline"}}
    newline = given.get("newline", "\n")
    decoration = chosen.get("decoration", "# ")
    border = decoration.rstrip()
    prefix = _before(chosen.get("prefix", border), newline) * int(given.get("prefix_count", 1))
    postfix = (newline + chosen.get("postfix", border)) * int(given.get("postfix_count", 1))
    lines = str(text).split(newline)
    # An empty line within gets no trailing space; a text that is one empty line does (as in Ansible).
    body = newline.join([(decoration + line).rstrip() if not line and len(lines) > 1 else decoration + line
                         for line in lines])
    beginning = chosen.get("beginning", "")
    end = chosen.get("end", "")
    parts = [beginning + newline if beginning else "", prefix, body,
             postfix, newline + end if end else ""]
    return "".join(parts)


def _before(text: str, newline: str) -> str:
    return text + newline if text and text != newline else text
