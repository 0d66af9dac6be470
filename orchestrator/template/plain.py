"""The last step of rendering: nothing lazy, omitted or undefined is left, only data that can be stored and sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from types import GeneratorType
from typing import Any

from jinja2 import Undefined as AnyUndefined
from markupsafe import Markup

from orchestrator.errors import TemplateError, UndefinedVariable
from orchestrator.template.omit import OMIT
from orchestrator.template.types import TrustedText, VaultedText
from orchestrator.template.undefined import Undefined

SCALARS: frozenset[type] = frozenset({
    str, int, bool, float, type(None), bytes, dt.datetime, dt.date, dt.timedelta, TrustedText, VaultedText,
})
MAX_DEPTH = 200
MAX_ITEMS = 10_000_000
"""Bound on what a generator may yield (a template can ask for ``range(10**12)``)."""


def to_plain(value: Any, unseal: Callable[[Any], Any], depth: int = 0) -> Any:
    """``value`` as dict, list and scalars. ``unseal`` renders a Template, Map, Seq or Sealed met on the way.

    Entries that are `OMIT` go; an undefined one raises `UndefinedVariable`; what is no data raises `TemplateError`.
    """
    kind = type(value)
    if kind in SCALARS or value is OMIT:
        return value
    if depth > MAX_DEPTH:
        raise TemplateError(f"the value is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        entries = ((k, to_plain(v, unseal, depth + 1)) for k, v in value.items())
        return {_key(k): v for k, v in entries if v is not OMIT}
    if isinstance(value, (list, tuple)):
        return [v for v in (to_plain(item, unseal, depth + 1) for item in value) if v is not OMIT]
    if isinstance(value, AnyUndefined):
        raise _fault(value)
    return _other(value, unseal, depth)


def as_data(value: Any) -> Any:
    """Plain data with each trusted or vaulted text as a plain ``str``: for code that looks at types, as yaml.safe_dump.
    """
    if isinstance(value, dict):
        return {key: as_data(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [as_data(entry) for entry in value]
    return str(value) if type(value) in (TrustedText, VaultedText) else value


def _key(key: Any) -> Any:
    if isinstance(key, AnyUndefined):
        raise _fault(key)
    return str(key) if isinstance(key, Markup) else key


def _fault(value: AnyUndefined) -> UndefinedVariable:
    if isinstance(value, Undefined):
        return value.fault()
    return UndefinedVariable("an “if” without “else” gives nothing here", hint="add “else” with a value, or omit")


def _other(value: Any, unseal: Callable[[Any], Any], depth: int) -> Any:
    from orchestrator.template.types import Sealed, Template

    if isinstance(value, (Template, Sealed)):
        return to_plain(unseal(value), unseal, depth + 1)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return to_plain(dict(value), unseal, depth)
    if callable(value):
        name = getattr(value, "__name__", "it")
        raise TemplateError(f"the result is the method {name!r}, not a value", hint=f"call it: {name}()")
    if isinstance(value, (GeneratorType, Iterable)):
        return to_plain(_bounded(value), unseal, depth)
    raise TemplateError(f"a result of type {type(value).__name__} cannot be stored")


def _bounded(values: Iterable[Any]) -> list[Any]:
    if isinstance(values, range) and len(values) > MAX_ITEMS:
        raise TemplateError(f"the result has more than {MAX_ITEMS} items")
    items = []
    for item in values:
        items.append(item)
        if len(items) > MAX_ITEMS:
            raise TemplateError(f"the result has more than {MAX_ITEMS} items")
    return items
