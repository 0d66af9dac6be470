"""Tests of truth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestrator.template.filters.values import to_bool
from orchestrator.template.undefined import Undefined

_WORDS = frozenset({"yes", "no", "on", "off", "true", "false", "1", "0", "y", "n", "t", "f"})


def truthy(value: Any, convert_bool: bool = False) -> bool:
    """As Python has it; with ``convert_bool`` the words of `bool` count as well."""
    if convert_bool and isinstance(value, str) and value.lower() in _WORDS:
        return to_bool(value)
    return bool(value)


def falsy(value: Any, convert_bool: bool = False) -> bool:
    return not truthy(value, convert_bool)


def all_true(value: Iterable[Any]) -> bool:
    return all(value)


def any_true(value: Iterable[Any]) -> bool:
    return any(value)


def is_boolean(value: Any) -> bool:
    if isinstance(value, Undefined):
        raise value.fault()
    return value is True or value is False
