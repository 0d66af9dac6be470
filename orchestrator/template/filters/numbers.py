"""Filters on numbers and sizes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from orchestrator.errors import TemplateError

_UNITS = {"Y": 80, "Z": 70, "E": 60, "P": 50, "T": 40, "G": 30, "M": 20, "K": 10, "B": 0}


def _reckoned(name: str, value: Any, work: Callable[[], float]) -> float:
    try:
        return work()
    except (TypeError, ValueError, OverflowError, ZeroDivisionError) as error:
        str(value)  # an undefined one fails in its own words
        raise TemplateError(f"{name}() can only be used on numbers: {error}") from None


def log(value: Any, base: float = math.e) -> float:
    """The logarithm, natural unless a base is given."""
    if base == 10:
        return _reckoned("log", value, lambda: math.log10(value))
    return _reckoned("log", value, lambda: math.log(value, base) if base != math.e else math.log(value))


def power(value: Any, exponent: Any) -> float:
    return _reckoned("pow", value, lambda: math.pow(value, exponent))


def root(value: Any, base: float = 2) -> float:
    """The square root, or another one."""
    return _reckoned("root", value, lambda: math.sqrt(value) if base == 2 else math.pow(value, 1.0 / float(base)))


def human_readable(value: Any, isbits: bool = False, unit: str | None = None) -> str:
    """A size with its unit: 1.00 KB."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        str(value)  # an undefined one fails in its own words
        raise TemplateError("human_readable() failed on bad input: it needs a number", hint="use | int before it")
    size = float(value)
    base = "bits" if isbits else "Bytes"
    for letter, shift in _UNITS.items():
        wanted = unit is None and size >= 1 << shift
        if letter != "B" and (wanted or (unit is not None and unit.upper() == letter)):
            return f"{size / (1 << shift):.2f} {letter}{'b' if isbits else 'B'}"
    return f"{size:.2f} {base}"


def human_to_bytes(value: Any, default_unit: str | None = None, isbits: bool = False) -> int:
    """``10 MB``, ``1.5G`` as bytes (``isbits``: ``1Kb`` as bits)."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", str(value))
    if match is None:
        raise TemplateError(
            f"human_to_bytes() can't interpret following string: {value}", hint="write a number and a unit: 10 MB",
        )
    unit = match[2] or default_unit or "B"
    letter = unit[0].upper()
    if letter not in _UNITS or (len(unit) > 1 and not _unit_fits(unit, isbits)):
        raise TemplateError(f"human_to_bytes: there is no unit {unit!r}", hint="units are B, K, M, G, T, P, E, Z, Y")
    return int(round(float(match[1]) * (1 << _UNITS[letter])))


def _unit_fits(unit: str, isbits: bool) -> bool:
    if unit.lower() in ("byte", "bytes"):
        return not isbits
    if unit.lower() in ("bit", "bits"):
        return isbits
    return len(unit) == 2 and unit[1] == ("b" if isbits else "B")
