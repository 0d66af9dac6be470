"""Literal keyword values in the types that the table names; templates are left for the host to render.

What Ansible coerces is coerced ("yes", 1 and "1" where a boolean is meant); what means nothing is a `Mistake`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.errors import Origin
from orchestrator.model import Condition
from orchestrator.playbook.tags import split_tags
from orchestrator.template.types import Map, Sealed, Seq, Template

_WORDS = {word: True for word in ("yes", "on", "true", "t", "y", "1")} | {
    word: False for word in ("no", "off", "false", "f", "n", "0")
}


class Mistake(Exception):
    """The value cannot be what the keyword needs."""

    def __init__(self, message: str, hint: str | None = None, index: int | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.index = index
        """Which item of a list is meant."""


def convert(kind: str, value: Any, origin: Origin | None) -> Any:
    """``value`` as ``kind``; None stays None (a keyword without a value counts as not given). Raises `Mistake`."""
    if value is None:
        return None
    return _KINDS[kind](value, origin)


def holds_template(value: Any) -> bool:
    """Whether what ``value`` will be is known only later."""
    if isinstance(value, dict):
        return any(holds_template(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_template(item) for item in value)
    return isinstance(value, (Template, Sealed))


def kind_name(value: Any) -> str:
    names = {"dict": "a mapping", "Map": "a mapping", "list": "a list", "Seq": "a list", "str": "a text",
             "int": "a number", "float": "a number", "bool": "a boolean", "NoneType": "nothing",
             "Template": "a template", "Sealed": "an encrypted text"}
    return names.get(type(value).__name__, type(value).__name__)


def _shown(value: Any) -> str:
    return kind_name(value) if isinstance(value, (dict, list, Sealed)) else repr(value)


def _bool(value: Any, origin: Origin | None) -> Any:
    if isinstance(value, (bool, Template)):
        return value
    known = None if isinstance(value, (dict, list, Sealed)) else _WORDS.get(str(value).strip().lower())
    if known is None:
        raise Mistake(f"must be a boolean: The value {_shown(value)} could not be converted to 'bool'",
                      "write true or false")
    return known


def _int(value: Any, origin: Origin | None) -> Any:
    if isinstance(value, (Template, Sealed)):
        return value
    try:
        if isinstance(value, (bool, dict, list)):
            raise ValueError
        return int(value)
    except ValueError:
        raise Mistake(f"must be a whole number, not {_shown(value)}") from None


def _number(value: Any, origin: Origin | None) -> Any:
    if isinstance(value, (Template, int, float)) and not isinstance(value, bool):
        return value
    try:
        number = float(str(value).strip().removesuffix("%"))
    except ValueError:
        raise Mistake(f"must be a number, not {_shown(value)}") from None
    return int(number) if number == int(number) else number


def _text(value: Any, origin: Origin | None) -> Any:
    if isinstance(value, (dict, list)):
        hint = "a value that begins with {{ must be quoted" if isinstance(value, dict) else None
        raise Mistake(f"must be a text, not {kind_name(value)}", hint)
    return value if isinstance(value, (str, Template, Sealed)) else _scalar_text(value)


def _scalar_text(value: Any) -> str:
    return str(value)


def _strings(value: Any, origin: Origin | None) -> tuple[Any, ...]:
    """One text or a list of them (lists within are flattened, as anchors bring them)."""
    found: list[Any] = []
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        if item is None:
            continue
        if isinstance(item, list):
            found += _strings(item, origin)
        elif isinstance(item, dict):
            raise Mistake("must be a text or a list of texts, not a mapping",
                          "a text that holds “: ” must be quoted", index)
        else:
            found.append(_text(item, origin))
    return tuple(found)


def _tags(value: Any, origin: Origin | None) -> tuple[Any, ...]:
    found: list[Any] = []
    for tag in _strings(value, origin):
        found += split_tags(tag) if isinstance(tag, str) else [tag]
    return tuple(dict.fromkeys(found))


def _list(value: Any, origin: Origin | None) -> Any:
    if isinstance(value, dict):
        raise Mistake("must be a list, not a mapping", "begin each entry with “- ”")
    return value if isinstance(value, (list, Template)) else Seq([value], origin=origin)


def _map(value: Any, origin: Origin | None) -> Any:
    if not isinstance(value, dict):
        raise Mistake(f"must be a mapping, not {kind_name(value)}", "write “name: value” lines")
    return value


def _layers(value: Any, origin: Origin | None) -> tuple[Any, ...]:
    """One mapping, or a list of them that lie above each other."""
    found = []
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        if not isinstance(item, (dict, Template)):
            raise Mistake(f"must be a mapping, not {kind_name(item)}", "write “name: value” lines", index)
        found.append(item)
    return tuple(found)


def _conditions(value: Any, origin: Origin | None) -> tuple[Condition, ...]:
    found = []
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        place = value.item_origin(index) if isinstance(value, Seq) else origin
        if isinstance(item, (dict, list)):
            raise Mistake(f"must be an expression, not {kind_name(item)}",
                          "a condition is a bare expression: no {{ }} around it, and quotes when it holds “: ”", index)
        if isinstance(item, bool):
            found.append(Condition(item, place))
        elif item is not None:
            source = item.source if isinstance(item, Template) else item if isinstance(item, str) else str(item)
            found.append(Condition(source, getattr(item, "origin", None) or place))
    return tuple(found)


def _any(value: Any, origin: Origin | None) -> Any:
    return value


def _tasks(value: Any, origin: Origin | None) -> Any:
    if not isinstance(value, list):
        raise Mistake(f"must be a list of tasks, not {kind_name(value)}", "begin each task with “- ”")
    return value


_KINDS: dict[str, Callable[[Any, Origin | None], Any]] = {
    "any": _any, "bool": _bool, "conditions": _conditions, "environment": _layers, "int": _int, "layers": _layers,
    "list": _list, "map": _map, "number": _number, "strings": _strings, "tags": _tags, "tasks": _tasks, "text": _text,
}


def merged(*maps: Map | None, origin: Origin | None = None) -> Map:
    """One `Map` of all, later ones winning; each key keeps its place when all are of one file."""
    present = [one for one in maps if one]
    result = Map(origin=origin or next((one.origin for one in present), None))
    for one in present:
        result.update(one)
        if one.origin and result.origin and one.origin.file == result.origin.file:
            result.key_marks.update(one.key_marks)
            result.value_marks.update(one.value_marks)
    return result
