"""When a schedule is due: each row a timing, a zone, a moment, and the times that follow on the wall's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.refusals import Malformed
from orchestrator.scheduling.timing import after, between, jitter, next_times, parse
from orchestrator.scheduling.wall_clock import zone

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


# The offset shows which of two equal times is meant.
ROWS = {
    "plain": ("30 2 * * *", "UTC", "2026-05-01T00:00Z", ["2026-05-01T02:30+00:00", "2026-05-02T02:30+00:00"]),
    "not at the moment itself": ("0 0 * * *", "UTC", "2026-05-01T00:00Z", ["2026-05-02T00:00+00:00"]),
    "weekdays": (
        "0 9 * * mon-fri", NEW_YORK, "2026-11-20T15:00Z", ["2026-11-23T09:00-05:00", "2026-11-24T09:00-05:00"]),
    "day of month or day of week": (
        "0 0 13 * fri", "UTC", "2026-03-10T00:00Z",
        ["2026-03-13T00:00+00:00", "2026-03-20T00:00+00:00", "2026-03-27T00:00+00:00", "2026-04-03T00:00+00:00",
         "2026-04-10T00:00+00:00", "2026-04-13T00:00+00:00"]),
    "the last of a month": (
        "0 5 l * *", "UTC", "2028-02-01T00:00Z", ["2028-02-29T05:00+00:00", "2028-03-31T05:00+00:00"]),
    "a leap day": ("0 0 29 2 *", "UTC", "2026-01-01T00:00Z", ["2028-02-29T00:00+00:00", "2032-02-29T00:00+00:00"]),
    "a range of one": ("0 5-5 * * *", "UTC", "2026-01-01T00:00Z", ["2026-01-01T05:00+00:00", "2026-01-02T05:00+00:00"]),
    "sunday is 7": ("0 0 * * 7", "UTC", "2026-11-21T00:00Z", ["2026-11-22T00:00+00:00"]),
    "@daily": ("@daily", BERLIN, "2026-06-01T12:00Z", ["2026-06-02T00:00+02:00"]),
    "@weekly": ("@weekly", "UTC", "2026-11-21T00:00Z", ["2026-11-22T00:00+00:00"]),
    "@monthly": ("@monthly", "UTC", "2026-11-21T00:00Z", ["2026-12-01T00:00+00:00"]),
    "@yearly": ("@yearly", "UTC", "2026-11-21T00:00Z", ["2027-01-01T00:00+00:00"]),
    "@hourly": ("@hourly", "UTC", "2026-11-21T00:30Z", ["2026-11-21T01:00+00:00"]),
    "Berlin, a time that does not exist": (
        "30 2 * * *", BERLIN, "2026-03-28T12:00Z", ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]),
    "Berlin, two that do not exist are due once": (
        "10,50 2 * * *", BERLIN, "2026-03-28T12:00Z", ["2026-03-29T03:00+02:00", "2026-03-30T02:10+02:00"]),
    "Berlin, one in the gap and one right after it": (
        "0 2,3 * * *", BERLIN, "2026-03-28T12:00Z", ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"]),
    "Berlin, a time that exists twice": (
        "30 2 * * *", BERLIN, "2026-10-24T12:00Z", ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]),
    "Berlin, asked within the second of two": ("30 2 * * *", BERLIN, "2026-10-25T01:10Z", ["2026-10-26T02:30+01:00"]),
    "Berlin, a rhythm through the hour that comes twice": (
        "*/30 * * * *", BERLIN, "2026-10-24T23:40Z",
        ["2026-10-25T02:00+02:00", "2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00", "2026-10-25T02:30+01:00",
         "2026-10-25T03:00+01:00"]),
    "Berlin, a rhythm over the gap": (
        "*/30 * * * *", BERLIN, "2026-03-29T00:10Z",
        ["2026-03-29T01:30+01:00", "2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00"]),
    "New York, a time that does not exist": (
        "15 2 * * *", NEW_YORK, "2026-03-07T12:00Z", ["2026-03-08T03:00-04:00", "2026-03-09T02:15-04:00"]),
    "New York, a time that exists twice": (
        "15 1 * * *", NEW_YORK, "2026-10-31T12:00Z", ["2026-11-01T01:15-04:00", "2026-11-02T01:15-05:00"]),
    "New York, every hour has an hour between": (
        "0 * * * *", NEW_YORK, "2026-11-01T04:30Z",
        ["2026-11-01T01:00-04:00", "2026-11-01T01:00-05:00", "2026-11-01T02:00-05:00"]),
    "Lord Howe, half an hour is missing": (
        "15 2 * * *", LORD_HOWE, "2026-10-03T00:00Z", ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"]),
    "Lord Howe, half an hour comes twice": (
        "45 1 * * *", LORD_HOWE, "2026-04-04T00:00Z", ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"]),
    "Lord Howe, every quarter": (
        "*/15 * * * *", LORD_HOWE, "2026-04-04T14:40Z",
        ["2026-04-05T01:45+11:00", "2026-04-05T01:30+10:30", "2026-04-05T01:45+10:30", "2026-04-05T02:00+10:30"]),
    "an interval": ("every 15m", "UTC", "2026-11-20T00:01Z", ["2026-11-20T00:15+00:00", "2026-11-20T00:30+00:00"]),
    "an interval does not follow the wall's clock": (
        "every 1d from 2026-10-24T03:00", BERLIN, "2026-10-24T12:00Z",
        ["2026-10-25T02:00+01:00", "2026-10-26T02:00+01:00"]),
    "weeks begin on Monday": ("every 1w", "UTC", "2026-11-21T00:00Z", ["2026-11-23T00:00+00:00"]),
    "an interval before its anchor": (
        "every 1h from 2030-01-01T00:30Z", "UTC", "2026-11-21T00:00Z", ["2026-11-21T00:30+00:00"]),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_the_times_that_follow(row: tuple[str, str, str, list[str]]) -> None:
    text, zone_name, since, expected = row
    found = next_times(parse(text, zone_name), moment(since), len(expected))
    shown = [one.astimezone(zone(zone_name)).isoformat() for one in found]
    assert shown == [moment(one).isoformat() for one in expected]


@pytest.mark.parametrize("text", [
    "", "* * * *", "* * * * * *", "0 0 0 0 0 0 0", "61 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "@reboot",
    "@nope", "h h * * *", "r * * * *", "0 0 31 2 *", "0 0 * * *; rm", "every", "every 15", "every 10s", "every 400d",
    "every 5m from tomorrow", "*/0 * * * *", "0 0 1 foo *", "x" * 300, "every 99999999999999999d"])
def test_what_is_no_timing_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(text, "UTC")
    assert refused.value.hint


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "Europe", "a" * 5000, "\0"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(Malformed):
        parse("@daily", name)


def test_a_year_of_minutes_is_not_counted_through() -> None:
    until = datetime(2026, 11, 1, 0, 0, 30, tzinfo=UTC)
    found = between(parse("* * * * *", BERLIN), until - timedelta(days=365), until, 100)
    assert len(found) == 100
    assert found[-1] == until.replace(second=0)


def test_jitter_is_the_same_everywhere_and_differs_by_schedule_and_time() -> None:
    due = datetime(2026, 11, 21, 3, tzinfo=UTC)
    assert jitter("a", due, 600) == jitter("a", due.astimezone(zone(BERLIN)), 600)
    assert len({jitter("a", due + timedelta(days=day), 600) for day in range(50)}) > 30
    assert jitter("a", due, 600) != jitter("b", due, 600)
    assert jitter("a", due, 0) == timedelta(0)


CRONS = st.tuples(
    st.sampled_from(["0", "30", "*/10", "5,35", "*", "59"]),
    st.sampled_from(["*", "1", "2", "2,3", "*/6", "1-3", "23"]),
    st.sampled_from(["*", "1", "25", "28-31"]), st.sampled_from(["*", "3", "4", "10", "11"]),
    st.sampled_from(["*", "sun", "0-6"])).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(CRONS, st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, "America/Sao_Paulo", "Asia/Kathmandu"]),
       st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)))
def test_times_grow_and_do_not_depend_on_where_one_begins(text: str, zone_name: str, start: datetime) -> None:
    timing, since = parse(text, zone_name), start.replace(tzinfo=UTC)
    found = list(islice(after(timing, since), 12))
    assert all(one > since for one in found)
    assert all(later > earlier for earlier, later in zip(found, found[1:]))
    assert next_times(timing, found[4], 7) == found[5:]
    assert next_times(timing, found[4] - timedelta(microseconds=1), 1) == [found[4]]
    assert between(timing, since, found[-1], 5) == found[-5:]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 23), st.integers(0, 59), st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE]))
def test_a_daily_time_is_due_once_on_every_day_of_the_year(hour: int, minute: int, zone_name: str) -> None:
    timing = parse(f"{minute} {hour} * * *", zone_name)
    start = datetime(2026, 1, 1, tzinfo=zone(zone_name)) - timedelta(seconds=1)
    days = [one.astimezone(zone(zone_name)).date() for one in next_times(timing, start.astimezone(UTC), 365)]
    assert len(set(days)) == 365
