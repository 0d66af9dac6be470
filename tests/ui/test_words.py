"""Numbers, moments, months and addresses as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from api.ui import month
from api.ui.pages import own_path, with_query
from api.ui.words import ago, count, duration

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("seconds, text", [
    (None, ""), (0.4213, "0.42 s"), (3.14, "3.1 s"), (9.97, "10 s"), (59.4, "59 s"), (200, "3 min 20 s"),
    (7500, "2 h 5 min"), (360_000, "4 d 4 h")])
def test_a_duration_reads(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("seconds, text", [
    (0, "now"), (30, "30 s ago"), (90, "1 min ago"), (7200, "2 h ago"), (-7200, "in 2 h"), (86_400 * 3, "3 d ago"),
    (86_400 * 90, "2025-12-01")])
def test_a_moment_reads(seconds: int, text: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == text


def test_counts() -> None:
    assert count(1, "host") == "1 host"
    assert count(12_400, "host") == "12\u202f400 hosts"
    assert ago(None) == "never"


@pytest.mark.parametrize("text, path", [
    ("/runs?status=failed", "/runs?status=failed"), (None, "/"), ("", "/"), ("https://evil/", "/"), ("//evil/", "/"),
    ("/\\evil", "/"), ("javascript:alert(1)", "/"), ("runs", "/"), ("/\n/evil", "/\n/evil")])
def test_a_login_leads_on_to_this_server_only(text: str | None, path: str) -> None:
    assert own_path(text) == path or own_path(text) == "/"
    assert own_path(text).startswith("/") and not own_path(text).startswith("//")


def test_addresses_keep_what_is_asked_for() -> None:
    assert with_query("/runs", {"status": "failed", "host": ""}, cursor="x") == "/runs?status=failed&cursor=x"
    assert with_query("/runs", {"status": "failed"}, status=None) == "/runs"


def test_a_month_is_whole_weeks_and_holds_what_falls_into_it() -> None:
    first = date(2026, 2, 1)
    at = datetime(2026, 2, 28, 23, 30, tzinfo=UTC)
    weeks = month.weeks(first, date(2026, 2, 3), [(at, "x"), (at + timedelta(days=60), "y")])
    days = [day for week in weeks for day in week]
    assert len(days) % 7 == 0 and days[0].date.weekday() == 0
    assert [day.date for day in days if day.entries] == [date(2026, 2, 28)]
    assert [day.date for day in days if day.is_today] == [date(2026, 2, 3)]


def test_a_full_day_counts_the_rest() -> None:
    entries = [(datetime(2026, 2, 5, n, tzinfo=UTC), n) for n in range(10)]
    day = next(day for week in month.weeks(date(2026, 2, 1), date(2026, 2, 1), entries) for day in week if day.entries)
    assert len(day.entries) == month.MOST_PER_DAY and day.more == 10 - month.MOST_PER_DAY


@pytest.mark.parametrize("text", [None, "", "x", "2026", "2026-13", "0000-01", "99999-01", "2026-1-1"])
def test_a_month_that_is_none_is_this_one(text: str | None) -> None:
    assert month.parse(text, date(2026, 2, 17)) == date(2026, 2, 1)


def test_months_beside() -> None:
    assert month.beside(date(2026, 1, 1)) == ("2025-12", "2026-02")
    assert month.beside(date(2026, 12, 1)) == ("2026-11", "2027-01")
