"""Filters on single values: booleans, choice, chance, text."""

from __future__ import annotations

import random as chance
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Undefined as AnyUndefined
from jinja2 import pass_environment

from orchestrator.errors import TemplateError, UndefinedVariable
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
        shown = f"mandatory variable {name!r} is not defined" if name else "a mandatory variable is not defined"
        raise UndefinedVariable(str(message) if message else shown)
    return value


def ternary(value: Any, true_val: Any, false_val: Any = None, none_val: Any = None) -> Any:
    """The second when true, the third when not; the fourth, if given, when ``value`` is null."""
    if value is None and none_val is not None:
        return none_val
    return true_val if value else false_val


def type_debug(value: Any) -> str:
    """The name of the value's type."""
    name = type(value).__name__
    return {"LazyMap": "dict", "LazySeq": "list", "Undefined": "AnsibleUndefined"}.get(name, name)


def quote(value: Any) -> str:
    """One word of a shell."""
    return shlex.quote("" if value is None else str(value))


def to_string(value: Any) -> str:
    """As text."""
    return value if type(value) is str else str(value)


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
        raise TemplateError("random: start and step go with a number, not with a list")
    items: Sequence[Any] = end if isinstance(end, str) else list(end)
    if not items:
        return Undefined(hint="no random item, the sequence is empty")
    return source.choice(items)


def shuffle(values: Any, seed: Any = None) -> list[Any]:
    """In random order; the same one for the same ``seed``."""
    items = list(values)
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
        raise TemplateError(f"comment: there is no style {style!r}", hint=f"there are: {', '.join(_STYLES)}")
    chosen = {**_STYLES[style], **{key: str(value) for key, value in given.items() if key != "newline"}}
    newline = given.get("newline", "\n")
    decoration = chosen.get("decoration", "# ")
    border = decoration.rstrip()
    prefix = _border(chosen.get("prefix", border), int(given.get("prefix_count", 1)), newline)
    postfix = _border(chosen.get("postfix", border), int(given.get("postfix_count", 1)), newline)
    lines = [(decoration + line).rstrip() if not line else decoration + line for line in str(text).split(newline)]
    body = newline.join(lines)
    beginning = chosen.get("beginning", "")
    end = chosen.get("end", "")
    parts = [beginning + newline if beginning else "", prefix + newline if prefix else "", body,
             newline + postfix if postfix else "", newline + end if end else ""]
    return "".join(parts)


def _border(text: str, count: int, newline: str) -> str:
    return newline.join([text] * count) if text else ""
