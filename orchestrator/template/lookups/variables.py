"""Lookups of variables, of the controller's environment and of the inventory."""

from __future__ import annotations

import os
import re
from typing import Any

from jinja2.utils import missing

from orchestrator.errors import TemplateError, UndefinedVariable
from orchestrator.template.lookups.call import LookupCall

_NOT_GIVEN = object()


def variables(terms: list[Any], call: LookupCall, default: Any = _NOT_GIVEN) -> list[Any]:
    """The values of the variables named."""
    return [_variable(term, call, default) for term in terms]


def _variable(name: Any, call: LookupCall, default: Any) -> Any:
    if not isinstance(name, str):
        raise TemplateError(f"Variable name must be 'str' not {type(name).__name__!r}.")
    value = call.evaluation.resolve(name)
    if value is not missing:
        return value
    if default is _NOT_GIVEN:
        raise UndefinedVariable(f"No variable named {name!r} was found.")
    return default


def varnames(terms: list[Any], call: LookupCall) -> list[Any]:
    """Names of variables that match any of the expressions."""
    names = sorted(name for name in call.scope.names() if not name.startswith("\0"))
    found: list[str] = []
    for term in terms:
        if not isinstance(term, str):
            raise TemplateError(f"Invalid setting identifier, {term!r} is not a string, it is a {type(term).__name__}")
        try:
            pattern = re.compile(str(term))
        except re.error as error:
            raise TemplateError(f"Unable to use {term!r} as a search parameter: {error}") from error
        found += [name for name in names if pattern.search(name)]
    return found


def environment(terms: list[Any], call: LookupCall, default: Any = "") -> list[Any]:
    """The controller's environment."""
    found = []
    for term in terms:
        name = str(term).split()[0] if str(term).split() else ""
        value = os.environ.get(name, default)
        if not isinstance(value, (str, int, float, bool, list, dict, type(None))):
            raise UndefinedVariable(f"the environment variable {name} is not set")
        found.append(value)
    return found


def inventory_hostnames(terms: list[Any], call: LookupCall) -> list[Any]:
    """Hosts that a pattern names."""
    inventory = getattr(getattr(call.scope, "store", None), "inventory", None)
    if inventory is None:
        raise TemplateError("inventory_hostnames: there is no inventory here")
    pattern = ":".join(str(term) for term in terms)
    return list(inventory.match(pattern))
