"""Lookups that arrange lists."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Mapping
from typing import Any

from orchestrator.errors import TemplateError
from orchestrator.template.filters import collections as filters
from orchestrator.template.filters.values import to_bool
from orchestrator.template.lookups.call import LookupCall


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _flat(values: Any) -> list[Any]:
    """One level of lists taken away."""
    return [item for value in values for item in (value if _is_list(value) else [value])]


def items(terms: list[Any], call: LookupCall) -> list[Any]:
    return _flat(terms)


def as_list(terms: list[Any], call: LookupCall) -> list[Any]:
    return list(terms)


def flattened(terms: list[Any], call: LookupCall) -> list[Any]:
    """All levels; the words None and null go."""
    return [item for item in filters.flatten(list(terms), skip_nulls=False) if item not in ("None", "null")]


def together(terms: list[Any], call: LookupCall) -> list[Any]:
    if not terms:
        raise TemplateError("with_together requires at least one element in each list")
    return [_flat(group) for group in itertools.zip_longest(*[_listed(term, "together") for term in terms])]


def nested(terms: list[Any], call: LookupCall) -> list[Any]:
    if not terms:
        raise TemplateError("with_nested requires at least one element in the nested list")
    return [_flat(group) for group in itertools.product(*[_listed(term, "nested") for term in terms])]


def _listed(term: Any, name: str) -> list[Any]:
    return list(term) if _is_list(term) or isinstance(term, Mapping) else [term]


def indexed_items(terms: list[Any], call: LookupCall) -> list[Any]:
    return [[index, item] for index, item in enumerate(_flat(terms))]


def random_choice(terms: list[Any], call: LookupCall) -> list[Any]:
    return [secrets.choice(terms)] if terms else []


def dict_items(terms: list[Any], call: LookupCall) -> list[Any]:
    """{key, value} of each mapping."""
    found: list[Any] = []
    for term in terms:
        if not isinstance(term, Mapping):
            raise TemplateError(f"the 'dict' lookup plugin expects a dictionary, this is of type {type(term).__name__}")
        found += filters.dict2items(term)
    return found


def subelements(terms: list[Any], call: LookupCall) -> list[Any]:
    """[item, element] for each element of a list within each item; items that were skipped are left out."""
    source, key, flags = _subelement_terms(terms)
    present = list(source.values()) if isinstance(source, Mapping) else list(source)
    kept = [item for item in present if not (isinstance(item, Mapping) and to_bool(item.get("skipped", False)))]
    pairs = filters.subelements(kept, key, to_bool(flags.get("skip_missing", False)))
    return [[_without(item, key.split(".")), element] for item, element in pairs]


def _subelement_terms(terms: list[Any]) -> tuple[Any, str, Mapping[Any, Any]]:
    if not 2 <= len(terms) <= 3:
        raise TemplateError("subelements lookup expects a list of two or three items")
    source, key = terms[:2]
    if not (isinstance(source, Mapping) or _is_list(source)) or not isinstance(key, str):
        raise TemplateError("subelements lookup expects a list of two or three items, first a dict or a list, "
                            "second a string")
    if isinstance(source, Mapping) and to_bool(source.get("skipped", False)):
        source = []
    flags = terms[2] if len(terms) == 3 else {}
    if not isinstance(flags, Mapping):  # other keys are let be: many write `flags:` and the flag beside it
        raise TemplateError("subelements lookup: the optional third item must be a dict with the flag skip_missing")
    return source, key, flags


def _without(item: Any, path: list[Any]) -> Any:
    """The item less the list that is looped over, as this lookup (not the filter) has it."""
    if len(path) == 1:
        return {name: value for name, value in item.items() if name != path[0]}
    return {name: _without(value, path[1:]) if name == path[0] else value for name, value in item.items()}
