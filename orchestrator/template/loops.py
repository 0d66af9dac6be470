"""The items of a loop: ``loop`` takes a list, ``with_<lookup>`` what the lookup makes of its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.errors import OrchError, Origin, TaskFault
from orchestrator.template.evaluation import Evaluation, ScopeLike
from orchestrator.template.functions import run_lookup
from orchestrator.template.omit import OMIT
from orchestrator.template.types import Map, Sealed, Seq, Template
from orchestrator.template.undefined import Undefined

if TYPE_CHECKING:
    from orchestrator.template.engine import Engine

def loop_items(engine: Engine, kind: str, value: Any, scope: ScopeLike, origin: Origin | None) -> list[Any]:
    """See `Engine.loop_items`. Items are data: a text with ``{{`` in it stays as it is."""
    rendered = _first_found_terms(engine, value, scope) if kind.rpartition(".")[2] == "first_found" \
        else engine.render(value, scope, origin)
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
    options = {"_subfolder": _subfolder(scope)} if kind.rpartition(".")[2] == "first_found" else {}
    found = run_lookup(engine, evaluation, kind, terms, options)
    items: list[Any] = to_plain(found, lambda raw: evaluation.entry(raw, "item"))
    return items


def _subfolder(scope: ScopeLike) -> str:
    """Where ``with_first_found`` looks first: the folder of what the task's action works with."""
    action = str(getattr(getattr(scope, "task", None), "action_written", ""))
    return next((f"{kind}s" for kind in ("template", "var") if kind in action), "files")


def _first_found_terms(engine: Engine, value: Any, scope: ScopeLike) -> Any:
    """Names of files that need an undefined variable are left out: that is how roles offer names by distribution."""
    if isinstance(value, Template):
        return defined_only(Evaluation.of(engine, scope).evaluate(value), engine, scope)
    return defined_only(value, engine, scope)


def defined_only(value: Any, engine: Engine, scope: ScopeLike) -> Any:
    """Lists and mappings less their undefined entries, as plain data."""
    from orchestrator.template.plain import to_plain

    evaluation = Evaluation.of(engine, scope)
    if isinstance(value, (Seq, Map, Template, Sealed)):
        value = evaluation.entry(value, "item")
    if isinstance(value, dict):
        entries = {key: defined_only(value[key], engine, scope) for key in value}
        return {key: entry for key, entry in entries.items() if not isinstance(entry, Undefined)}
    if isinstance(value, (list, tuple)):
        items = [defined_only(item, engine, scope) for item in value]
        return [item for item in items if not isinstance(item, Undefined)]
    return value if isinstance(value, Undefined) else to_plain(value, lambda raw: evaluation.entry(raw, "item"))


def _list(value: Any, origin: Origin | None) -> list[Any]:
    if isinstance(value, list):
        return value
    hint = "a mapping becomes a list with “| dict2items”" if isinstance(value, dict) else "give a list: [a, b]"
    kind = "NoneType" if value is None else type(value).__name__
    raise TaskFault(f"The `loop` value must resolve to a 'list', not {kind!r}.", origin=origin, code="loop", hint=hint)
