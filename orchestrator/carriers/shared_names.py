"""One copy of each name in what hosts return: a thousand hosts report facts and file states under the same names."""

from __future__ import annotations

from sys import intern
from typing import Any

SHORT = 32
"""Longer texts are hardly ever the same on two hosts."""
_TOUCHED = frozenset({str, dict, list})


def share_names(value: Any) -> None:
    """Replace the keys of ``value`` (a container as JSON gives it), and short texts in it, by the process's own copies.

    In place: equal before and after. What is shared goes when nobody has it any more. Nesting is bounded by the wire.
    """
    if type(value) is dict:
        items = list(value.items())
        value.clear()  # an equal key would keep the old copy
        for key, item in items:
            value[intern(key)] = _shared(item) if type(item) in _TOUCHED else item
    elif type(value) is list:
        value[:] = [_shared(item) if type(item) in _TOUCHED else item for item in value]


def _shared(item: Any) -> Any:
    if type(item) is str:
        return intern(item) if len(item) <= SHORT else item
    share_names(item)
    return item
