"""Filters that take lists as sets; the order of the first list stays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jinja2 import pass_environment
from jinja2.filters import do_unique

from orchestrator.errors import TemplateError


@pass_environment
def unique(environment: Any, value: Any, case_sensitive: bool | None = None, attribute: Any = None) -> list[Any]:
    """Each item once; texts that differ by case alone are the same, unless ``case_sensitive=true``.

    Among items that cannot be hashed (mappings, lists), texts of another case are other items, as in Ansible.
    """
    items = list(value)
    try:
        return list(do_unique(environment, items, bool(case_sensitive), attribute))
    except TypeError:
        if attribute is not None or case_sensitive is False:
            raise TemplateError(
                "unique cannot fall back: these items cannot be hashed; leave out case_sensitive and attribute",
            ) from None
        return _slow(items)


def _once(values: Iterable[Any]) -> list[Any]:
    items = list(values)
    try:
        return list(dict.fromkeys(items)) if not any(isinstance(item, bool) for item in items) else _slow(items)
    except TypeError:
        return _slow(items)


def _slow(items: Iterable[Any]) -> list[Any]:
    kept: list[Any] = []
    for item in items:
        if item not in kept:
            kept.append(item)
    return kept


def _members(values: Any) -> Any:
    items = list(values)
    try:
        return frozenset(items)
    except TypeError:
        return items


def union(a: Any, b: Any) -> list[Any]:
    return _once([*a, *b])


def intersect(a: Any, b: Any) -> list[Any]:
    other = _members(b)
    return _once(item for item in a if _in(item, other))


def difference(a: Any, b: Any) -> list[Any]:
    other = _members(b)
    return _once(item for item in a if not _in(item, other))


def symmetric_difference(a: Any, b: Any) -> list[Any]:
    return difference(a, b) + difference(b, a)


def _in(item: Any, members: Any) -> bool:
    try:
        return item in members
    except TypeError:
        return any(item == member for member in members)
