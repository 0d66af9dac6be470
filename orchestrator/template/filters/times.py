"""Filters on times."""

from __future__ import annotations

import datetime as dt
import re
import time
from typing import Any

from orchestrator.errors import TemplateError

_SECONDS = {
    "ms": 0.001, "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600,
    "d": 86400, "day": 86400, "w": 604800, "week": 604800, "mo": 2592000, "month": 2592000, "y": 31536000,
    "year": 31536000,
}


def strftime(string_format: str, second: Any = None, utc: bool = False) -> str:
    """The time (seconds since 1970; now when not given) in a format, local or UTC."""
    try:
        at = None if second is None else float(second)
    except (TypeError, ValueError):
        raise TemplateError(f"strftime needs seconds since 1970, this is {second!r}") from None
    return time.strftime(string_format, (time.gmtime if utc else time.localtime)(at))


def to_datetime(value: Any, format: str = "%Y-%m-%d %H:%M:%S") -> dt.datetime:
    """A time object: two of them give a difference with ``.days`` and ``.total_seconds()``."""
    try:
        return dt.datetime.strptime(str(value), format)
    except ValueError as error:
        raise TemplateError(f"to_datetime: {error}") from error


def to_seconds(value: Any) -> float:
    """``1h 30m`` in seconds."""
    parts = re.findall(r"(-?\d+(?:\.\d+)?)\s*([A-Za-z]+)", str(value))
    total = 0.0
    for number, unit in parts:
        name = unit.lower() if unit.lower() in _SECONDS else unit.lower().rstrip("s")
        if name not in _SECONDS:
            raise TemplateError(f"there is no unit of time {unit!r}")
        total += float(number) * _SECONDS[name]
    return total


def to_time_unit(value: Any, unit: str = "s") -> float:
    name = unit.lower() if unit.lower() in _SECONDS else unit.lower().rstrip("s")
    if name not in _SECONDS:
        raise TemplateError(f"there is no unit of time {unit!r}")
    return round(to_seconds(value) / _SECONDS[name], 12)


def to_minutes(value: Any) -> float:
    return to_time_unit(value, "m")


def to_hours(value: Any) -> float:
    return to_time_unit(value, "h")


def to_days(value: Any) -> float:
    return to_time_unit(value, "d")
