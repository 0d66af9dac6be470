"""Lookups that arrange lists."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Mapping
from typing import Any

from orchestrator.errors import TemplateError
from orchestrator.template.filters import collections as filters
from orchestrator.template.lookups.call import LookupCall, options_in

MAX_SEQUENCE = 1_000_000


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
    """All levels; a text that names a list variable stays a text."""
    return filters.flatten(list(terms))


def together(terms: list[Any], call: LookupCall) -> list[Any]:
    if not terms:
        raise TemplateError("together needs at least one list")
    return [_flat(group) for group in itertools.zip_longest(*[_listed(term, "together") for term in terms])]


def nested(terms: list[Any], call: LookupCall) -> list[Any]:
    if not terms:
        raise TemplateError("nested needs at least one list")
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
    if not 2 <= len(terms) <= 3:
        raise TemplateError("subelements needs a list, a key, and perhaps {skip_missing: true}")
    flags = terms[2] if len(terms) == 3 else {}
    if not isinstance(flags, Mapping):
        raise TemplateError("subelements: the third value is a mapping of flags")
    source, key = terms[0], terms[1]
    present = list(source.values()) if isinstance(source, Mapping) else list(source)
    kept = [item for item in present if not (isinstance(item, Mapping) and item.get("skipped", False))]
    path = key.split(".") if isinstance(key, str) else list(key)
    pairs = filters.subelements(kept, key, bool(flags.get("skip_missing", False)))
    return [[_without(item, path), element] for item, element in pairs]


def _without(item: Any, path: list[Any]) -> Any:
    """The item less the list that is looped over, as this lookup (not the filter) has it."""
    if len(path) == 1:
        return {name: value for name, value in item.items() if name != path[0]}
    return {name: _without(value, path[1:]) if name == path[0] else value for name, value in item.items()}


_SHORT = re.compile(r"(?:(0x[0-9a-f]+|-?\d+)-)?(0x[0-9a-f]+|-?\d+)(?:/(-?\d+))?(?::(.+))?\Z", re.I)
_SEQUENCE = frozenset({"start", "end", "count", "stride", "format"})


def sequence(terms: list[Any], call: LookupCall, **options: Any) -> list[Any]:
    """Numbers as texts: ``start=1 end=5 stride=2 format=host%02d``, or ``1-5/2:host%02d``."""
    made: list[Any] = []
    for term in terms or [""]:
        made += _one_sequence(str(term), options)
    return made


def _one_sequence(term: str, given: Mapping[str, Any]) -> list[str]:
    short = _SHORT.match(term.strip())
    if short:
        start, end, stride, form = short.groups()
        found = {"start": start or "1", "end": end, "stride": stride or "1", "format": form or "%d"}
        options: dict[str, Any] = {**given, **found}
    else:
        rest, named = options_in(term, _SEQUENCE)
        if rest:
            hint = "write start=1 end=5 stride=2 format=%02d"
            raise TemplateError(f"unrecognized arguments to with_sequence: {rest!r}", hint=hint)
        options = {**given, **named}
    return _numbers(options)


def _numbers(options: Mapping[str, Any]) -> list[str]:
    try:
        start = int(str(options.get("start", 1)), 0)
        stride = int(str(options.get("stride", 1)), 0)
        if options.get("count") is not None:
            count = int(str(options["count"]), 0)
            end = start + count * stride - (1 if stride > 0 else -1)
            if not count:
                return []
        elif options.get("end") is not None:
            end = int(str(options["end"]), 0)
        else:
            raise TemplateError("sequence needs end or count")
        values = range(start, end + (1 if stride > 0 else -1), stride) if stride else range(0)
        if len(values) > MAX_SEQUENCE:
            raise TemplateError(f"sequence: more than {MAX_SEQUENCE} numbers")
        return [str(options.get("format", "%d")) % value for value in values]
    except (ValueError, TypeError) as error:
        raise TemplateError(f"sequence: {error}", hint="start, end, count and stride are whole numbers") from error
