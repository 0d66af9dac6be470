"""Filters on lists and mappings in the names of community.general."""

from __future__ import annotations

import collections
import re
import unicodedata
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orchestrator.errors import TemplateError
from orchestrator.template.filters.collections import MERGES, flat, is_list, kind, merge
from orchestrator.template.filters.sets import difference, intersect, symmetric_difference, union


def lists_mergeby(*terms: Any, recursive: bool = False, list_merge: str = "replace") -> list[Any]:
    """Lists of mappings joined on the value under the last argument, a key; sorted by it."""
    *lists, key = terms
    if list_merge not in MERGES:
        raise TemplateError(f"lists_mergeby: there is no list_merge {list_merge!r}", hint=f"use {', '.join(MERGES)}")
    merged: dict[Any, dict[Any, Any]] = {}
    for item in flat(lists):
        if not isinstance(item, Mapping):
            raise TemplateError(f"lists_mergeby joins lists of mappings; this item is of type {kind(item)}")
        if key in item:
            merged[item[key]] = merge(merged.get(item[key], {}), item, recursive, list_merge)
    return [merged[name] for name in sorted(merged)]


_MATCHES: Mapping[str, Callable[[str, str], bool]] = {
    "equal": lambda key, wanted: key == wanted,
    "starts_with": lambda key, wanted: key.startswith(wanted),
    "ends_with": lambda key, wanted: key.endswith(wanted),
    "regex": lambda key, wanted: re.search(wanted, key) is not None,
}


def _matcher(matching_parameter: str) -> Callable[[str, str], bool]:
    match = _MATCHES.get(matching_parameter)
    if match is None:
        raise TemplateError(
            f"there is no matching_parameter {matching_parameter!r}", hint=f"there are: {', '.join(_MATCHES)}",
        )
    return match


def keep_keys(data: Any, target: Any, matching_parameter: str = "equal") -> list[dict[Any, Any]]:
    """Of each mapping, the entries whose key is (or begins, ends, matches) one of ``target``."""
    match, wanted = _matcher(matching_parameter), [target] if isinstance(target, str) else list(target)
    return [{key: item[key] for key in item if any(match(key, one) for one in wanted)} for item in data]


def remove_keys(data: Any, target: Any, matching_parameter: str = "equal") -> list[dict[Any, Any]]:
    """Of each mapping, the other entries."""
    match, unwanted = _matcher(matching_parameter), [target] if isinstance(target, str) else list(target)
    return [{key: item[key] for key in item if not any(match(key, one) for one in unwanted)} for item in data]


def replace_keys(data: Any, target: Any, matching_parameter: str = "equal") -> list[dict[Any, Any]]:
    """Each mapping with keys renamed: ``target`` lists {before, after}."""
    match = _matcher(matching_parameter)

    def renamed(key: Any) -> Any:
        return next((entry["after"] for entry in target if match(key, entry["before"])), key)

    return [{renamed(key): item[key] for key in item} for item in data]


def groupby_as_dict(sequence: Any, attribute: str) -> dict[Any, Any]:
    """The mappings of a list by the value under ``attribute``, which is another in each."""
    found: dict[Any, Any] = {}
    for item in sequence:
        if not isinstance(item, Mapping) or attribute not in item:
            raise TemplateError(f"groupby_as_dict: an item has no {attribute!r}")
        if item[attribute] in found:
            raise TemplateError(f"Multiple sequence entries have attribute value {item[attribute]!r}")
        found[item[attribute]] = item
    return found


def to_dict(value: Any) -> dict[Any, Any]:
    """A list of pairs as a mapping."""
    try:
        return dict(value)
    except (TypeError, ValueError) as error:
        raise TemplateError(f"dict needs a list of pairs: {error}") from None


def dict_kv(value: Any, key: Any) -> dict[Any, Any]:
    return {key: value}


def counter(sequence: Any) -> dict[Any, int]:
    """How often each item is there."""
    if not isinstance(sequence, Sequence):
        raise TemplateError(f"counter needs a list or a text, this is of type {kind(sequence)}")
    try:
        return dict(collections.Counter(sequence))
    except TypeError:
        raise TemplateError("counter needs items that are no lists or mappings") from None


def _pooled(lists: tuple[Any, ...], flatten: bool, join: Callable[[Any, Any], list[Any]]) -> list[Any]:
    from orchestrator.template.filters.collections import flatten as all_levels

    if not lists or not all(is_list(one) for one in lists):
        raise TemplateError("this filter needs lists")
    given = [all_levels(one) if flatten else list(one) for one in lists]
    if len(given) == 1:
        return join(given[0], given[0])
    joined = given[0]
    for other in given[1:]:
        joined = join(joined, other)
    return joined


def lists_union(*lists: Any, flatten: bool = False) -> list[Any]:
    return _pooled(lists, flatten, union)


def lists_intersect(*lists: Any, flatten: bool = False) -> list[Any]:
    return _pooled(lists, flatten, intersect)


def lists_difference(*lists: Any, flatten: bool = False) -> list[Any]:
    return _pooled(lists, flatten, difference) if len(lists) > 1 else _pooled(lists, flatten, union)


def lists_symmetric_difference(*lists: Any, flatten: bool = False) -> list[Any]:
    return _pooled(lists, flatten, symmetric_difference) if len(lists) > 1 else _pooled(lists, flatten, union)


def version_sort(value: Any, reverse: bool = False) -> list[Any]:
    """Texts in the order of the versions that they hold."""
    from orchestrator.template.filters.versions import loose

    try:
        return sorted(value, key=lambda text: loose(str(text)), reverse=reverse)
    except TypeError:
        raise TemplateError("version_sort: these versions cannot be compared") from None


def crc32(value: Any) -> str:
    return f"{zlib.crc32(str(value).encode()) & 0xFFFFFFFF:x}"


def unicode_normalize(value: Any, form: Any = "NFC") -> str:
    if form not in ("NFC", "NFD", "NFKC", "NFKD"):
        raise TemplateError(f"unicode_normalize: there is no form {form!r}", hint="there are: NFC, NFD, NFKC, NFKD")
    return unicodedata.normalize(form, str(value))


def reveal_ansible_type(value: Any, alias: Any = None) -> str:
    """The type, and those within: list[str], dict[str, int|str]."""
    names = alias if isinstance(alias, Mapping) else {}
    if isinstance(value, Mapping):
        keys, values = _types(value, names), _types(value.values(), names)
        return f"dict[{keys}, {values}]" if value else "dict"
    if is_list(value):
        return f"list[{_types(value, names)}]" if value else "list"
    name = kind(value)
    return str(names.get(name, name))


def _types(values: Any, names: Mapping[str, str]) -> str:
    found = {reveal_ansible_type(one, names).partition("[")[0] for one in values}
    return "|".join(sorted(found))
