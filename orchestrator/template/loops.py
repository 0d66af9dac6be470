"""The items of a loop: ``loop`` takes a list, ``with_<lookup>`` what the lookup makes of its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.errors import OrchError, Origin, TemplateError
from orchestrator.template.evaluation import Evaluation, ScopeLike
from orchestrator.template.functions import run_lookup
from orchestrator.template.omit import OMIT

if TYPE_CHECKING:
    from orchestrator.template.engine import Engine

def loop_items(engine: Engine, kind: str, value: Any, scope: ScopeLike, origin: Origin | None) -> list[Any]:
    """See `Engine.loop_items`. Items are data: a text with ``{{`` in it stays as it is."""
    rendered = engine.render(value, scope, origin)
    if rendered is OMIT:
        return []
    if kind == "loop":
        return _list(rendered, origin)
    terms = rendered if isinstance(rendered, list) else [rendered]
    try:
        return [item for item in _run(engine, kind, terms, scope) if item is not OMIT]
    except OrchError as error:
        if error.origin is None:
            error.origin = origin
        raise


def _run(engine: Engine, kind: str, terms: list[Any], scope: ScopeLike) -> list[Any]:
    from orchestrator.template.plain import to_plain

    evaluation = Evaluation.of(engine, scope)
    found = run_lookup(engine, evaluation, kind, terms, {})
    items: list[Any] = to_plain(found, lambda raw: evaluation.entry(raw, "item"))
    return items


def _list(value: Any, origin: Origin | None) -> list[Any]:
    if isinstance(value, list):
        return value
    kinds = {"str": "a text", "dict": "a mapping", "NoneType": "nothing (null)", "int": "a number", "bool": "a boolean"}
    hint = "a mapping becomes a list with “| dict2items”" if isinstance(value, dict) else "give a list: [a, b]"
    shown = kinds.get(type(value).__name__, type(value).__name__)
    raise TemplateError(f"loop needs a list, this is {shown}", origin=origin, hint=hint)
