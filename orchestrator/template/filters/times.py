"""Filters on times."""

from __future__ import annotations

import datetime as dt
import re
import time
from typing import Any

from orchestrator.errors import TemplateError


def strftime(string_format: str, second: Any = None, utc: bool = False) -> str:
    """The time (seconds since 1970; now when not given) in a format, local or UTC."""
    try:
        at = None if second is None else float(second)
    except (TypeError, ValueError):
        raise TemplateError(f"Invalid value for epoch value ({second}): it is a number of seconds since 1970") from None
    return time.strftime(string_format, (time.gmtime if utc else time.localtime)(at))


def to_datetime(value: Any, format: str = "%Y-%m-%d %H:%M:%S") -> dt.datetime:
    """A time object: two of them give a difference with ``.days`` and ``.total_seconds()``."""
    try:
        return dt.datetime.strptime(str(value), format)
    except ValueError as error:
        raise TemplateError(f"to_datetime: {error}") from error


def to_time_unit(value: Any, unit: str = "s", **lengths: Any) -> float:
    """``1h 30m`` in a unit. ``year`` (365) and ``month`` (30) say how many days they have."""
    seconds = _lengths(**lengths)
    total = 0.0
    for part in re.findall(r"[-+]?\d+(?:\.\d+)?\s*[A-Za-z]+|\S+", str(value)):
        found = re.fullmatch(r"([-+]?\d+(?:\.\d+)?)\s*([A-Za-z]*)", part)
        if found is None:
            raise TemplateError(f"to_time_unit: {part!r} is no length of time", hint="write 1h 30m")
        total += float(found[1]) * (seconds[_unit(found[2])] if found[2] else 0.001)
    return round(total / seconds[_unit(unit)], 12)


def _lengths(year: Any = 365, month: Any = 30, **unknown: Any) -> dict[str, float]:
    if unknown:
        raise TemplateError(f"there is no option {next(iter(unknown))!r}", hint="there are: year, month")
    day = 86400.0
    return {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": day, "w": 7 * day, "mo": float(month) * day,
            "y": float(year) * day}


_UNITS = {
    "ms": "ms msec msecs millisecond milliseconds", "s": "s sec secs second seconds", "m": "m min mins minute minutes",
    "h": "h hour hours", "d": "d day days", "w": "w week weeks", "mo": "mo month months", "y": "y year years",
}
_UNIT = {name: unit for unit, names in _UNITS.items() for name in names.split()}


def _unit(name: str) -> str:
    unit = _UNIT.get(name.lower())
    if unit is None:
        raise TemplateError(f"there is no unit of time {name!r}", hint=f"there are: {', '.join(_UNITS)}")
    return unit


def to_milliseconds(value: Any, **lengths: Any) -> float:
    return to_time_unit(value, "ms", **lengths)


def to_seconds(value: Any, **lengths: Any) -> float:
    return to_time_unit(value, "s", **lengths)


def to_minutes(value: Any, **lengths: Any) -> float:
    return to_time_unit(value, "m", **lengths)


def to_hours(value: Any, **lengths: Any) -> float:
    return to_time_unit(value, "h", **lengths)


def to_days(value: Any, **lengths: Any) -> float:
    return to_time_unit(value, "d", **lengths)


def to_weeks(value: Any, **lengths: Any) -> float:
    return to_time_unit(value, "w", **lengths)


def to_months(value: Any, **lengths: Any) -> float:
    return to_time_unit(value, "mo", **lengths)


def to_years(value: Any, **lengths: Any) -> float:
    return to_time_unit(value, "y", **lengths)
