"""Filters on mappings and lists."""

from __future__ import annotations

import collections
import importlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinja2 import Undefined as AnyUndefined
from jinja2 import pass_environment

from orchestrator.errors import TemplateError

_MERGES = ("replace", "keep", "append", "prepend", "append_rp", "prepend_rp")


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _kind(value: Any) -> str:
    return {"LazyMap": "dict", "LazySeq": "list"}.get(type(value).__name__, type(value).__name__)


def combine(*terms: Any, recursive: bool = False, list_merge: str = "replace") -> dict[Any, Any]:
    """Mappings merged, the later winning. ``list_merge`` says what becomes of two lists under one key."""
    if list_merge not in _MERGES:
        raise TemplateError(f"combine: there is no list_merge {list_merge!r}", hint=f"there are: {', '.join(_MERGES)}")
    merged: dict[Any, Any] = {}
    for mapping in _flat(terms):
        if not mapping and not isinstance(mapping, AnyUndefined):
            continue
        if not isinstance(mapping, Mapping):
            if isinstance(mapping, AnyUndefined):
                str(mapping)
            raise TemplateError(f"combine merges mappings; this is of type {_kind(mapping)}")
        merged = _merge(merged, mapping, recursive, list_merge)
    return merged


def _flat(values: Iterable[Any]) -> Iterable[Any]:
    for value in values:
        if _is_list(value):
            yield from _flat(value)
        else:
            yield value


def _merge(low: Mapping[Any, Any], high: Mapping[Any, Any], recursive: bool, lists: str) -> dict[Any, Any]:
    merged = dict(low)
    for key in high:
        new = high[key]
        if key not in merged:
            merged[key] = new
            continue
        old = merged[key]
        if isinstance(old, Mapping) and isinstance(new, Mapping) and recursive:
            merged[key] = _merge(old, new, recursive, lists)
        elif _is_list(old) and _is_list(new):
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
        raise TemplateError(f"dict2items needs a mapping, this is of type {_kind(value)}")
    return [{key_name: key, value_name: value[key]} for key in value]


def items2dict(value: Any, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    """A list of {key, value} as a mapping."""
    if not _is_list(value):
        raise TemplateError(f"items2dict needs a list, this is of type {_kind(value)}")
    try:
        return {item[key_name]: item[value_name] for item in value}
    except (KeyError, TypeError):
        raise TemplateError(f"items2dict needs a list of mappings that have {key_name!r} and {value_name!r}") from None


def to_dict(value: Any) -> dict[Any, Any]:
    """A list of pairs as a mapping."""
    return dict(value)


def subelements(obj: Any, elements: Any, skip_missing: bool = False) -> list[list[Any]]:
    """[item, element] for every element of the list at ``elements`` (a key, or a path a.b) in each item."""
    if isinstance(obj, Mapping):
        items = list(obj.values())
    elif _is_list(obj):
        items = list(obj)
    else:
        raise TemplateError("subelements needs a list of mappings, or a mapping of them")
    path = elements.split(".") if isinstance(elements, str) else list(elements)
    return [[item, element] for item in items for element in _elements(item, path, skip_missing)]


def _elements(item: Any, path: list[Any], skip_missing: bool) -> list[Any]:
    found = item
    for key in path:
        if found is None and skip_missing:
            return []
        if not isinstance(found, Mapping):
            raise TemplateError(f"subelements: {key!r} is looked for in a {_kind(found)}, not a mapping")
        if key not in found:
            if skip_missing:
                return []
            raise TemplateError(
                f"subelements: an item has no {key!r}", hint="give skip_missing=true when some items lack it",
            )
        found = found[key]
    if not _is_list(found):
        raise TemplateError(f"subelements: {'.'.join(map(str, path))} is a {_kind(found)}, not a list")
    return list(found)


def flatten(value: Any, levels: int | None = None, skip_nulls: bool = True) -> list[Any]:
    """Lists within lists as one; null items go."""
    flat: list[Any] = []
    for item in value:
        if skip_nulls and item in (None, "None", "null"):
            continue
        if _is_list(item) and (levels is None or levels > 0):
            flat.extend(flatten(item, None if levels is None else levels - 1, skip_nulls))
        else:
            flat.append(item)
    return flat


def zip_lists(value: Any, *others: Any, strict: bool = False) -> list[list[Any]]:
    """The first items of all lists, the second ones, as far as the shortest reaches."""
    return [list(group) for group in zip(value, *others, strict=strict)]


def zip_longest(value: Any, *others: Any, fillvalue: Any = None) -> list[list[Any]]:
    """The same as far as the longest reaches."""
    return [list(group) for group in itertools.zip_longest(value, *others, fillvalue=fillvalue)]


def product(value: Any, *others: Any, repeat: int = 1) -> list[list[Any]]:
    """Every combination of one item of each list."""
    return [list(group) for group in itertools.product(value, *others, repeat=repeat)]


def combinations(value: Any, count: int) -> list[list[Any]]:
    return [list(group) for group in itertools.combinations(value, count)]


def permutations(value: Any, count: int | None = None) -> list[list[Any]]:
    return [list(group) for group in itertools.permutations(value, count)]


@pass_environment
def extract(environment: Any, item: Any, container: Any, morekeys: Any = None) -> Any:
    """``container[item]``, and further in by ``morekeys``; for use with ``map``."""
    keys = [item]
    if morekeys is not None:
        keys += list(morekeys) if _is_list(morekeys) else [morekeys]
    value = container
    for key in keys:
        value = environment.getitem(value, key)
    return value


def rekey_on_member(data: Any, key: str, duplicates: str = "error") -> dict[Any, Any]:
    """A list of mappings (or the values of one) as a mapping by the value under ``key``."""
    if duplicates not in ("error", "overwrite"):
        raise TemplateError("rekey_on_member: duplicates is error or overwrite")
    items = list(data.values()) if isinstance(data, Mapping) else list(data)
    keyed: dict[Any, Any] = {}
    for item in items:
        if not isinstance(item, Mapping) or key not in item:
            raise TemplateError(f"rekey_on_member: an item has no {key!r}")
        if item[key] in keyed and duplicates == "error":
            raise TemplateError(f"rekey_on_member: {item[key]!r} is there twice")
        keyed[item[key]] = item
    return keyed


def lists_mergeby(*terms: Any, recursive: bool = False, list_merge: str = "replace") -> list[Any]:
    """Lists of mappings joined on the value under the last argument, a key."""
    *lists, key = terms
    merged: dict[Any, dict[Any, Any]] = {}
    for item in _flat(lists):
        if key in item:
            merged[item[key]] = _merge(merged.get(item[key], {}), item, recursive, list_merge)
    return [merged[name] for name in sorted(merged)]


def keep_keys(data: Any, target: Any) -> list[dict[Any, Any]]:
    wanted = {target} if isinstance(target, str) else set(target)
    return [{key: item[key] for key in item if key in wanted} for item in data]


def remove_keys(data: Any, target: Any) -> list[dict[Any, Any]]:
    unwanted = {target} if isinstance(target, str) else set(target)
    return [{key: item[key] for key in item if key not in unwanted} for item in data]


def replace_keys(data: Any, target: Any) -> list[dict[Any, Any]]:
    names = {entry["before"]: entry["after"] for entry in target}
    return [{names.get(key, key): item[key] for key in item} for item in data]


def groupby_as_dict(sequence: Any, attribute: str) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = {}
    for item in sequence:
        groups.setdefault(item[attribute], []).append(item)
    return groups


def dict_kv(value: Any, key: Any) -> dict[Any, Any]:
    return {key: value}


def counter(sequence: Any) -> dict[Any, int]:
    return dict(collections.Counter(sequence))


def json_query(data: Any, expression: str) -> Any:
    """A JMESPath expression on the data. Needs the package jmespath."""
    from orchestrator.template.lazy import LazyMap, LazySeq

    try:
        jmespath: Any = importlib.import_module("jmespath")
    except ImportError:
        raise TemplateError("json_query needs the package jmespath", hint="install jmespath beside orch") from None

    def strict(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: strict(value[key]) for key in value}
        return [strict(item) for item in value] if isinstance(value, (list, tuple, LazySeq, LazyMap)) else value

    try:
        return jmespath.search(expression, strict(data))
    except jmespath.exceptions.JMESPathError as error:
        raise TemplateError(f"json_query: {error}") from error
