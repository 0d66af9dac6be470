"""Functions that templates may call: lookup, query, now, undef."""

from __future__ import annotations

import datetime as dt
import inspect
from typing import TYPE_CHECKING, Any

from jinja2 import pass_context

from orchestrator.errors import OrchError, TemplateError, UndefinedVariable
from orchestrator.template.environment import Context
from orchestrator.template.lookups.call import LookupCall
from orchestrator.template.plain import to_plain
from orchestrator.template.plugin_calls import failed
from orchestrator.template.plugin_files import NotLoaded
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
        raise TemplateError(f"The lookup plugin {name!r} was not found.",
                            hint=_nearest(name, engine.lookups.all_names()) or engine.lookups.hint())
    options = _known(engine, name, lookup, options)
    try:
        return list(lookup(terms, LookupCall(engine, evaluation), **options))
    except NotLoaded:
        raise
    except Exception as error:
        told = failed("lookup", name, error)
        if told is error:
            raise
        raise told from error


def _takes_undefined(lookup: Any) -> bool:
    """Whether the lookup wants to see undefined terms (a plugin with ``accept_args_markers``)."""
    asked = getattr(lookup, "takes_undefined", None)
    return asked is not None and bool(asked())


def _known(engine: Engine, name: str, lookup: Any, options: dict[str, Any]) -> dict[str, Any]:
    """The options that the lookup has. Others are no fault in Ansible, so they are left out, with a warning."""
    if not options:
        return options
    parameters = inspect.signature(lookup).parameters.values()
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        return options
    known = [one.name for one in parameters][2:]
    unknown = [option for option in options if option not in known]
    if unknown:
        has = f"it has: {', '.join(known)}" if known else "it has none"
        engine.warn(f"the lookup {name!r} has no option {', '.join(map(repr, unknown))}; {has}")
    return {option: value for option, value in options.items() if option in known}


def _nearest(name: str, known: list[str]) -> str | None:
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else None


def make_globals(engine: Engine) -> dict[str, Any]:
    """The functions by name, bound to an engine."""

    @pass_context
    def lookup(
        context: Context, name: str, /, *terms: Any, wantlist: bool = False, errors: str = "strict", **options: Any,
    ) -> Any:
        # A file imported without context has no variables of its own; lookups see those of whoever imports it.
        evaluation = context.evaluation or engine.env.current
        if evaluation is None:
            raise TemplateError("lookups need variables: import this file “with context”")

        first_found = str(name).rpartition(".")[2] == "first_found"
        given_undefined = [one for one in (*(() if first_found else terms), *options.values())
                           if isinstance(one, Undefined)]
        if given_undefined and not _takes_undefined(engine.lookups.get(str(name))):
            return given_undefined[0]

        def unseal(raw: Any) -> Any:
            return evaluation.entry(raw, "term")

        if first_found:
            from orchestrator.template.loops import defined_only

            terms = tuple(defined_only(term, engine, evaluation.scope) for term in terms)
            terms = tuple(term for term in terms if not isinstance(term, Undefined))
        plain = [term if isinstance(term, Undefined) else to_plain(term, unseal) for term in terms]
        given = {key: value if isinstance(value, Undefined) else to_plain(value, unseal)
                 for key, value in options.items()}
        if engine.lookups.get(str(name)) is None:
            errors = "strict"
        try:
            found = run_lookup(engine, evaluation, str(name), plain, given)
        except UndefinedVariable as error:
            return Undefined(cause=error) if errors == "strict" else _failed(engine, name, error, errors, wantlist)
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
    if hint is not None and not isinstance(hint, str):
        raise TemplateError(f"undef: the 'hint' argument must be of type 'str', not {type(hint).__name__!r}")
    return Undefined(hint or "Mandatory variable has not been overridden")
