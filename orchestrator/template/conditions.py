"""Conditions: expressions that must give a boolean, and which texts may be taken for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.errors import ConditionError, Origin, UndefinedVariable
from orchestrator.template.embedded import unfolded
from orchestrator.template.faults import shortened
from orchestrator.template.types import Template, TrustedText

if TYPE_CHECKING:
    from orchestrator.template.engine import Engine
    from orchestrator.template.evaluation import ScopeLike

UNTRUSTED = "Encountered untrusted template or expression."
DELIMITED = "Conditionals should not be surrounded by templating delimiters such as {{ }} or {% %}."
EVALUATING = "Error while evaluating conditional: "
EMPTY = "Empty conditional expressions are not allowed."


def is_delimited(source: str) -> bool:
    """Whether a template makes the condition, or the text of it."""
    return source.lstrip().startswith(("{{", "{%"))


def judged(engine: Engine, expression: Any, scope: ScopeLike, origin: Origin | None) -> tuple[bool, bool]:
    """Whether the condition holds, and whether it is a template that should have been an expression.

    ``expression``: a boolean, a `Template`, or a `TrustedText`; any other text is refused, since it may come from a
    host (CVE-2023-5764). Raises `ConditionError` for that and for a result that is no boolean (Ansible 2.19).
    """
    if isinstance(expression, bool):
        return expression, False
    try:
        return _judged(engine, expression, scope, origin)
    except UndefinedVariable as error:
        raise error.within(EVALUATING) from error.__cause__


def _judged(engine: Engine, expression: Any, scope: ScopeLike, origin: Origin | None) -> tuple[bool, bool]:
    source = expression.source if isinstance(expression, Template) else expression
    if source is None or (isinstance(source, str) and not source.strip()):
        if engine.allow_broken_conditionals:
            return True, False
        raise ConditionError(EMPTY, origin=origin, hint="leave it out, or write true or false")
    if not isinstance(source, str):
        raise ConditionError("Conditional expressions must be strings.", origin=origin)
    if not isinstance(expression, (Template, TrustedText)):
        raise _untrusted(origin)
    if not is_delimited(source):
        return _holds(engine, _value(engine, source, scope, origin), source, origin), False
    made = engine.render(Template(source.strip(), origin), scope)
    if not isinstance(made, str):
        return _holds(engine, made, source, origin), True
    if made.strip().lower() in ("true", "false"):
        return made.strip().lower() == "true", True
    if type(made) is not TrustedText:
        raise _untrusted(origin)
    return _holds(engine, _value(engine, made, scope, origin), made, origin), False


def _untrusted(origin: Origin | None) -> ConditionError:
    return ConditionError(UNTRUSTED, origin=origin,
                          hint="only text from playbooks, roles and their variables may be an expression")


def _value(engine: Engine, source: str, scope: ScopeLike, origin: Origin | None) -> Any:
    return engine.expression(unfolded(source) if "{{" in source else source, scope, origin)


def _holds(engine: Engine, value: Any, source: str, origin: Origin | None) -> bool:
    if type(value) is bool:
        return value
    if engine.allow_broken_conditionals:
        return bool(value)
    error = ConditionError(
        f"Conditional result ({bool(value)}) was derived from value of type {type(value).__name__!r}. "
        "Conditionals must have a boolean result.", origin=origin, hint=_cure(value),
    )
    error.expression = shortened(source)
    raise error


def _cure(value: Any) -> str:
    if isinstance(value, str):
        return "compare it, or use “| bool” for texts like yes and no, or “| length > 0” for not empty"
    if isinstance(value, (list, dict)):
        return "use “| length > 0” for not empty"
    if value is None:
        return "use “is not none”, or “is defined”"
    return "use a comparison, for example “== 1” or “> 0”"
