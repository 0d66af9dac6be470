"""Making trusted values out of values that did not come through the YAML loader: extra vars, ini values, prompts."""

from __future__ import annotations

from typing import Any

from orchestrator.content.yaml import is_template
from orchestrator.errors import Origin
from orchestrator.template.types import Map, Sealed, Seq, Template, TrustedText


def trust(value: Any, origin: Origin | None = None) -> Any:
    """``value`` with every string as `Template` when it holds Jinja, else as `TrustedText`; `Map`s and `Seq`s.

    Call it only on what the operator wrote. Keys stay strings; what the YAML loader made stays as it made it.
    """
    if isinstance(value, (Map, Seq)):
        return value
    if type(value) is str:
        return Template(value, origin) if is_template(value) else TrustedText(value)
    if isinstance(value, dict):
        return Map({key: trust(item, origin) for key, item in value.items()}, origin=origin)
    if isinstance(value, (list, tuple)):
        return Seq([trust(item, origin) for item in value], origin=origin)
    return value


def adopt(value: Any) -> Any:
    """A plain container that holds templates as `Map`/`Seq`, so that they are rendered; anything else as it is."""
    if type(value) in (dict, list) and holds_template(value):
        if isinstance(value, dict):
            return Map({key: adopt(item) for key, item in value.items()})
        return Seq([adopt(item) for item in value])
    return value


def holds_template(value: Any) -> bool:
    """Whether a `Template` or `Sealed` stands anywhere in ``value``."""
    if isinstance(value, dict):
        return any(holds_template(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_template(item) for item in value)
    return isinstance(value, (Template, Sealed))
