"""Filters on mappings and lists."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinja2 import Undefined as AnyUndefined
from jinja2 import pass_environment

from orchestrator.errors import TemplateError

MERGES = ("replace", "keep", "append", "prepend", "append_rp", "prepend_rp")


def is_list(value: Any) -> bool:
    """A list as the language has it: no text."""
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def kind(value: Any) -> str:
    """The name of the type, as an author knows it."""
    return {"LazyMap": "dict", "LazySeq": "list"}.get(type(value).__name__, type(value).__name__)


def combine(*terms: Any, recursive: bool = False, list_merge: str = "replace", **unknown: Any) -> dict[Any, Any]:
    """Mappings merged, the later winning. ``list_merge`` says what becomes of two lists under one key."""
    if unknown:
        raise TemplateError("'recursive' and 'list_merge' are the only valid keyword arguments")
    if list_merge not in MERGES:
        raise TemplateError(f"combine: there is no list_merge {list_merge!r}", hint=f"there are: {', '.join(MERGES)}")
    merged: dict[Any, Any] = {}
    for mapping in _one_level(terms):
        if not mapping and not isinstance(mapping, AnyUndefined):
            continue
        if not isinstance(mapping, Mapping):
            if isinstance(mapping, AnyUndefined):
                str(mapping)
            raise TemplateError(f"failed to combine variables, expected dicts but got a {kind(mapping)}")
        merged = merge(merged, mapping, recursive, list_merge)
    return merged


def _one_level(terms: Iterable[Any]) -> Iterable[Any]:
    for term in terms:
        if is_list(term):
            yield from term
        else:
            yield term


def flat(values: Iterable[Any]) -> Iterable[Any]:
    """The items, those of lists within too."""
    for value in values:
        if is_list(value):
            yield from flat(value)
        else:
            yield value


def merge(low: Mapping[Any, Any], high: Mapping[Any, Any], recursive: bool, lists: str) -> dict[Any, Any]:
    """Two mappings as one, ``high`` winning; ``lists`` is one of `MERGES`."""
    merged = dict(low)
    for key in high:
        new = high[key]
        if key not in merged:
            merged[key] = new
            continue
        old = merged[key]
        if isinstance(old, Mapping) and isinstance(new, Mapping) and recursive:
            merged[key] = merge(old, new, recursive, lists)
        elif is_list(old) and is_list(new):
            merged[key] = _merge_lists(list(old), list(new), lists)
        else:
            merged[key] = new
    return merged


def _merge_lists(old: list[Any], new: list[Any], how: str) -> list[Any]:
    if how == "append":
        return old + new
    if how == "prepend":
        return new + old
    if how == "append_rp":
        return [item for item in old if item not in new] + new
    if how == "prepend_rp":
        return new + [item for item in old if item not in new]
    return old if how == "keep" else new


def dict2items(value: Any, key_name: str = "key", value_name: str = "value") -> list[dict[str, Any]]:
    """A mapping as a list of {key, value}."""
    if not isinstance(value, Mapping):
        if isinstance(value, AnyUndefined):
            str(value)
        raise TemplateError(f"dict2items requires a dictionary, got {kind(value)} instead.")
    return [{key_name: key, value_name: value[key]} for key in value]


def items2dict(value: Any, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    """A list of {key, value} as a mapping."""
    if not is_list(value):
        raise TemplateError(f"items2dict requires a list, got {kind(value)} instead.")
    if not all(isinstance(item, Mapping) for item in value):
        raise TemplateError("items2dict requires a list of dictionaries.")
    try:
        return {item[key_name]: item[value_name] for item in value}
    except (KeyError, TypeError):
        raise TemplateError(
            f"items2dict requires each dictionary in the list to contain the keys {key_name!r} and {value_name!r}"
        ) from None


def subelements(obj: Any, elements: Any, skip_missing: bool = False) -> list[tuple[Any, Any]]:
    """(item, element) for every element of the list at ``elements`` (a key, or a path a.b) in each item."""
    if isinstance(obj, Mapping):
        items = list(obj.values())
    elif is_list(obj):
        items = list(obj)
    else:
        str(obj)  # an undefined one fails in its own words
        raise TemplateError("obj must be a list of dicts or a nested dict")
    if not isinstance(elements, str) and not is_list(elements):
        raise TemplateError("subelements must be a list or a string")
    path = elements.split(".") if isinstance(elements, str) else list(elements)
    return [(item, element) for item in items for element in _elements(item, path, skip_missing)]


def _elements(item: Any, path: list[Any], skip_missing: bool) -> list[Any]:
    found = item
    for key in path:
        if found is None and skip_missing:
            return []
        if not isinstance(found, Mapping):
            raise TemplateError(f"the key {key!r} should point to a dictionary, got a {kind(found)}")
        if key not in found:
            if skip_missing:
                return []
            raise TemplateError(
                f"could not find {key!r} key in iterated item {_shown(item)}",
                hint="give skip_missing=true when some items lack it",
            )
        found = found[key]
    if not is_list(found):
        raise TemplateError(f"the key {path[-1]!r} should point to a list, got a {kind(found)}")
    return list(found)


def _shown(item: Any) -> str:
    """The item's keys, not its values: they may be secret."""
    return f"with the keys {', '.join(map(repr, item))}" if isinstance(item, Mapping) else f"of type {kind(item)}"


def flatten(value: Any, levels: int | None = None, skip_nulls: bool = True) -> list[Any]:
    """Lists within lists as one; null items go."""
    flat: list[Any] = []
    for item in value:
        if skip_nulls and item in (None, "None", "null"):
            continue
        if is_list(item) and (levels is None or levels > 0):
            flat.extend(flatten(item, None if levels is None else levels - 1, skip_nulls))
        else:
            flat.append(item)
    return flat


def zip_lists(value: Any, *others: Any, strict: bool = False) -> list[tuple[Any, ...]]:
    """The first items of all lists, the second ones, as far as the shortest reaches."""
    return list(zip(value, *others, strict=strict))


def zip_longest(value: Any, *others: Any, fillvalue: Any = None) -> list[tuple[Any, ...]]:
    """The same as far as the longest reaches."""
    return list(itertools.zip_longest(value, *others, fillvalue=fillvalue))


def product(value: Any, *others: Any, repeat: int = 1) -> list[tuple[Any, ...]]:
    """Every combination of one item of each list."""
    return list(itertools.product(value, *others, repeat=repeat))


def combinations(value: Any, count: int) -> list[tuple[Any, ...]]:
    return list(itertools.combinations(value, count))


def permutations(value: Any, count: int | None = None) -> list[tuple[Any, ...]]:
    return list(itertools.permutations(value, count))


@pass_environment
def extract(environment: Any, item: Any, container: Any, morekeys: Any = None) -> Any:
    """``container[item]``, and further in by ``morekeys``; for use with ``map``."""
    keys = [item]
    if morekeys is not None:
        keys += list(morekeys) if is_list(morekeys) else [morekeys]
    value = container
    for key in keys:
        value = environment.getitem(value, key)
    return value


def rekey_on_member(data: Any, key: str, duplicates: str = "error") -> dict[Any, Any]:
    """A list of mappings (or the values of one) as a mapping by the value under ``key``."""
    if duplicates not in ("error", "overwrite"):
        raise TemplateError(f"duplicates parameter to rekey_on_member has unknown value: {duplicates!r}")
    if not isinstance(data, Mapping) and not is_list(data):
        raise TemplateError(f"Type is not a valid list, set, or dict: {kind(data)}")
    keyed: dict[Any, Any] = {}
    for item in list(data.values()) if isinstance(data, Mapping) else data:
        if not isinstance(item, Mapping):
            raise TemplateError(f"List item is not a valid dict: {kind(item)}")
        if key not in item:
            raise TemplateError(f"Key {key!r} was not found in an item", hint=f"it has: {', '.join(map(str, item))}")
        if item[key] in keyed and duplicates == "error":
            raise TemplateError(f"Key {item[key]!r} is not unique, cannot convert to dict")
        keyed[item[key]] = item
    return keyed
