"""A month as weeks of days, Monday first, each with what is on it. Pure."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from msgspec import Struct, field

MOST_PER_DAY = 4


class Day(Struct):
    date: date
    in_month: bool
    is_today: bool = False
    entries: list[tuple[datetime, Any]] = field(default_factory=list)
    more: int = 0


def parse(text: str | None, today: date) -> date:
    """``2026-11`` as its first day; today's month for anything else."""
    try:
        year, _, month = (text or "").partition("-")
        return date(int(year), int(month), 1) if 1970 <= int(year) <= 9998 else today.replace(day=1)
    except ValueError:
        return today.replace(day=1)


def beside(first: date) -> tuple[str, str]:
    """The months before and after, as `parse` takes them."""
    before = date(first.year - (first.month == 1), (first.month - 2) % 12 + 1, 1)
    after = date(first.year + (first.month == 12), first.month % 12 + 1, 1)
    return before.strftime("%Y-%m"), after.strftime("%Y-%m")


def weeks(first: date, today: date, entries: Iterable[tuple[datetime, Any]]) -> list[list[Day]]:
    """The weeks of the month of ``first``. ``entries`` come with what a clock on the wall shows, each in a zone of its
    own perhaps, and lie on its days in its order."""
    days = {day: Day(day, day.month == first.month, day == today)
            for day in calendar.Calendar().itermonthdates(first.year, first.month)}
    for at, entry in sorted(entries, key=lambda pair: pair[0].replace(tzinfo=None)):
        day = days.get(at.date())
        if day is None:
            continue
        if len(day.entries) < MOST_PER_DAY:
            day.entries.append((at, entry))
        else:
            day.more += 1
    all_days = list(days.values())
    return [all_days[start:start + 7] for start in range(0, len(all_days), 7)]
