"""Functions that templates may call: lookup, query, now, undef."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from jinja2 import pass_context

from orchestrator.errors import OrchError, TemplateError
from orchestrator.template.environment import Context
from orchestrator.template.lookups.call import LookupCall
from orchestrator.template.plain import to_plain
from orchestrator.template.undefined import Undefined

if TYPE_CHECKING:
    from orchestrator.template.engine import Engine
    from orchestrator.template.evaluation import Evaluation


def run_lookup(
    engine: Engine, evaluation: Evaluation, name: str, terms: list[Any], options: dict[str, Any]
) -> list[Any]:
    """A lookup's values. Raises `TemplateError` that names the lookup."""
    lookup = engine.lookups.get(name)
    if lookup is None:
        raise TemplateError(f"there is no lookup {name!r}", hint=_nearest(name, engine.lookups.all_names()))
    try:
        return list(lookup(terms, LookupCall(engine, evaluation), **options))
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
        unknown = str(error).rpartition("argument ")[2]
        raise TemplateError(f"the lookup {name!r} has no option {unknown}") from error


def _nearest(name: str, known: list[str]) -> str | None:
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else None


def make_globals(engine: Engine) -> dict[str, Any]:
    """The functions by name, bound to an engine."""

    @pass_context
    def lookup(
        context: Context, name: str, /, *terms: Any, wantlist: bool = False, errors: str = "strict", **options: Any
    ) -> Any:
        evaluation = context.evaluation
        if evaluation is None:
            raise TemplateError("lookups need variables: import this file “with context”")

        def unseal(raw: Any) -> Any:
            return evaluation.entry(raw, "term")

        plain = [to_plain(term, unseal) for term in terms]
        given = {key: to_plain(value, unseal) for key, value in options.items()}
        try:
            found = run_lookup(engine, evaluation, str(name), plain, given)
        except OrchError as error:
            return _failed(engine, name, error, errors, wantlist)
        return found if wantlist else _joined(found)

    @pass_context
    def query(context: Context, name: str, /, *terms: Any, **options: Any) -> Any:
        options["wantlist"] = True
        return lookup(context, name, *terms, **options)

    return {"lookup": lookup, "query": query, "q": query, "now": now, "undef": undef}


def _failed(engine: Engine, name: str, error: OrchError, errors: str, wantlist: bool) -> Any:
    if errors == "strict":
        raise error
    if errors not in ("warn", "ignore"):
        raise TemplateError(f"lookup: errors is strict, warn or ignore, not {errors!r}")
    if errors == "warn":
        engine.warn(f"the lookup {name!r} failed: {error}")
    return [] if wantlist else None


def _joined(found: list[Any]) -> Any:
    if len(found) == 1:
        return found[0]
    if found and all(isinstance(item, str) for item in found):
        return ",".join(found)
    return found


def now(utc: bool = False, fmt: str | None = None) -> Any:
    """The time, local or UTC, as an object, or as text in a format."""
    at = dt.datetime.now(dt.UTC).replace(tzinfo=None) if utc else dt.datetime.now()
    return at.strftime(fmt) if fmt else at


def undef(hint: str | None = None) -> Undefined:
    """A value that must be overridden: it is undefined, in the author's words."""
    return Undefined(hint or "this variable must be set: its author left it undefined on purpose")
