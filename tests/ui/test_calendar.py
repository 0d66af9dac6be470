"""The calendar: which day a time lies on, by which clock."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from api.ui import month
from api.ui.clocks import BROWSER, SCHEDULE, Clock, explained, known_zone

LATE = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
READINGS = {
    "utc": (Clock("utc", "Asia/Tokyo"), "Europe/Berlin", "30 23:30 UTC"),
    "the schedule's": (Clock(SCHEDULE, "Asia/Tokyo"), "Europe/Berlin", "01 00:30 CET"),
    "the browser's": (Clock(BROWSER, "Asia/Tokyo"), "Europe/Berlin", "01 08:30 JST"),
    "the browser told none": (Clock(BROWSER), "Europe/Berlin", "30 23:30 UTC"),
}


@pytest.mark.parametrize(("clock", "schedules_zone", "expected"), READINGS.values(), ids=READINGS)
def test_a_moment_reads(clock: Clock, schedules_zone: str, expected: str) -> None:
    assert clock.reads(LATE, schedules_zone).strftime("%d %H:%M %Z") == expected


@pytest.mark.parametrize(("told", "name"), [
    ("Europe%2FBerlin", "Europe/Berlin"), ('"UTC"', "UTC"), ("", None), ("Moon/Base", None), ("../../etc/passwd", None),
    ("%2Fetc%2Fpasswd", None), ("a" * 5_000, None), ("\x00", None)])
def test_what_a_browser_tells_is_a_zone_or_nothing(told: str, name: str | None) -> None:
    assert known_zone(told) == name


def test_days_are_the_wall_clocks_and_in_its_order() -> None:
    berlin, tokyo = Clock(SCHEDULE).reads(LATE, "Europe/Berlin"), Clock(SCHEDULE).reads(LATE, "Asia/Tokyo")
    weeks = month.weeks(date(2026, 11, 1), date(2026, 11, 30), [(tokyo, "tokyo"), (berlin, "berlin"), (LATE, "utc")])
    days = {day.date: [name for _, name in day.entries] for week in weeks for day in week}
    assert days[date(2026, 11, 30)] == ["utc"] and days[date(2026, 12, 1)] == ["berlin", "tokyo"]
    assert all(len(week) == 7 for week in weeks) and weeks[0][0].date == date(2026, 10, 26)


def test_the_clock_is_explained() -> None:
    assert explained(Clock("utc"), {"a": "UTC"}) == "Times in UTC."
    assert "Europe/Berlin" in explained(Clock(SCHEDULE), {"a": "Europe/Berlin"})
    assert "Asia/Tokyo: b; Europe/Berlin: a, c" in explained(
        Clock(SCHEDULE), {"a": "Europe/Berlin", "b": "Asia/Tokyo", "c": "Europe/Berlin"})
    assert "not told" in explained(Clock(BROWSER), {})
