"""Tests between lists."""

from __future__ import annotations

import math
from typing import Any


def subset(a: Any, b: Any) -> bool:
    other = list(b)
    return all(item in other for item in a)


def superset(a: Any, b: Any) -> bool:
    return subset(b, a)


def contains(a: Any, b: Any) -> bool:
    """``in`` the other way round: for ``selectattr('list', 'contains', item)``."""
    return b in a


def nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
