"""Windows in which a schedule starts nothing: weekly by the clock on the wall, or once between two moments. Pure.

    {"days": ["fri", "sat"], "from": "22:00", "to": "06:00", "timezone": "Europe/Berlin", "reason": "month-end"}
    {"start": "2026-12-24T12:00:00+01:00", "end": "2027-01-02T00:00:00+01:00", "reason": "freeze"}

A weekly window that ends at or before its beginning ends on the next day; ``days`` are those on which it begins. Where
the clock jumps it is the wall's clock that counts: a window of 02:00 to 04:00 is an hour shorter then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from msgspec import Struct

from orchestrator.refusals import Malformed
from orchestrator.scheduling.wall_clock import wall_time, zone

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST = 50
LONGEST_REASON = 200
_WEEKLY = {"days", "from", "to", "timezone", "reason"}
_ONCE = {"start", "end", "reason"}
_DAY = timedelta(days=1)


class Weekly(Struct, frozen=True):
    days: tuple[int, ...]
    """Of their beginning; Monday is 0."""
    begins: time
    ends: time
    timezone: str
    reason: str = ""

    def holds(self, moment: datetime) -> bool:
        wall = wall_time(moment, zone(self.timezone))
        if self.begins < self.ends:
            return wall.weekday() in self.days and self.begins <= wall.time() < self.ends
        today = wall.weekday() in self.days and wall.time() >= self.begins
        return today or (wall - _DAY).weekday() in self.days and wall.time() < self.ends


class Once(Struct, frozen=True):
    start: datetime
    end: datetime
    reason: str = ""

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


Blackout = Weekly | Once


def parse_all(given: Sequence[Mapping[str, Any]], timezone: str) -> tuple[Blackout, ...]:
    """``timezone``: of weekly windows that name none. Raises `Malformed` that says which one is wrong."""
    if len(given) > MOST:
        raise Malformed(f"a schedule has {MOST} blackouts at most", code="blackout")
    return tuple(_parsed(one, number, timezone) for number, one in enumerate(given, 1))


def holding(blackouts: Sequence[Blackout], moment: datetime) -> Blackout | None:
    """The first window that this moment lies in."""
    return next((one for one in blackouts if one.holds(moment)), None)


def _parsed(given: Mapping[str, Any], number: int, timezone: str) -> Blackout:
    names = set(given)
    reason = given.get("reason", "")
    if not isinstance(reason, str) or len(reason) > LONGEST_REASON:
        raise _wrong(number, f"its reason is a text of {LONGEST_REASON} characters at most")
    if {"start", "end"} <= names <= _ONCE:
        start, end = _moment(given["start"], number), _moment(given["end"], number)
        if start >= end:
            raise _wrong(number, "it ends before it begins")
        return Once(start, end, reason)
    if not ({"from", "to"} <= names <= _WEEKLY):
        raise _wrong(number, "it has days, from, to and timezone, or start and end")
    named = given.get("timezone", timezone)
    days = given.get("days", DAYS)
    if not isinstance(named, str) or not isinstance(days, list | tuple):
        raise _wrong(number, "its days are a list, its timezone a name")
    zone(named)
    return Weekly(_days(days, number), _time(given["from"], number), _time(given["to"], number), named, reason)


def _days(given: Sequence[Any], number: int) -> tuple[int, ...]:
    if not given or any(not isinstance(day, str) or day.lower()[:3] not in DAYS for day in given):
        raise _wrong(number, "its days are among " + ", ".join(DAYS))
    return tuple(sorted({DAYS.index(day.lower()[:3]) for day in given}))


def _time(given: Any, number: int) -> time:
    if not isinstance(given, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", given):
        raise _wrong(number, "its times are written 22:00")
    return time.fromisoformat(given)


def _moment(given: Any, number: int) -> datetime:
    try:
        moment = datetime.fromisoformat(given)
        if moment.tzinfo is None:
            raise _wrong(number, "its moments need an offset: 2026-12-24T12:00:00+01:00")
        return moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise _wrong(number, "its moments are written 2026-12-24T12:00:00+01:00") from error


def _wrong(number: int, why: str) -> Malformed:
    return Malformed(f"blackout {number}: {why}", code="blackout")
