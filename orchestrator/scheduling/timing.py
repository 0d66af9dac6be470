"""When a schedule is due: cron lines and intervals, in a time zone with its changes of the clock.

A cron line names times of the wall's clock. Where the clock jumps, a time that does not exist is due once, at the
moment after the gap, and a time that exists twice is due the first time only. A line whose hour is ``*`` or ``*/n``
means a rhythm and not a time of day: in the hour that comes twice it goes on as before, as cron(8) has it, or a job of
every quarter of an hour would pause for one and a quarter.

Pure: the clock is an argument. croniter computes with wall-clock times only; zones are not its business here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice, takewhile
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec import Struct

from orchestrator.durations import UNIT_S
from orchestrator.refusals import Malformed
from orchestrator.scheduling.wall_clock import earlier, later, put_back, wall_time, zone

if TYPE_CHECKING:
    from collections.abc import Callable

    from croniter import croniter  # type: ignore[import-untyped]

ANCHOR = datetime(1970, 1, 5, tzinfo=UTC)
"""A Monday, from which intervals count when nothing else is said: every 15m is at :00, :15, :30 and :45."""
SHORTEST_S, LONGEST_S = 60, 366 * 86_400
LONGEST_TEXT = 200
NAMED = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
         "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *"}
EXAMPLES = "write five fields as in crontab(5), such as '30 2 * * mon-fri', @daily, or 'every 15m'"
_WORDS = frozenset("sun mon tue wed thu fri sat jan feb mar apr may jun jul aug sep oct nov dec l".split())
_FIELD = re.compile(r"[0-9a-z*,/#-]+")
_EVERY = re.compile(r"every\s+((?:\d+[smhdw])+)(?:\s+from\s+(\S+))?")
_FIRST_WINDOW = timedelta(hours=1)


class Cron(Struct, frozen=True):
    fields: str
    """Five of them, in lower case."""
    timezone: str

    @property
    def is_rhythm(self) -> bool:
        return self.fields.split()[1].startswith("*")


class Interval(Struct, frozen=True):
    every_s: int
    anchor: datetime = ANCHOR


Timing = Cron | Interval


def parse(text: str, timezone: str) -> Timing:
    """The timing of a schedule. Raises `Malformed` with an example, also for one that never comes (31 February)."""
    zone_of = zone(timezone)
    plain = " ".join(text.lower().split())
    if not plain or len(text) > LONGEST_TEXT:
        raise _malformed("a schedule needs a time")
    if plain.startswith("every"):
        return _interval(plain, zone_of)
    timing = Cron(_checked_cron(NAMED.get(plain, plain)), timezone)
    try:
        next(_wall_times(_line(timing), datetime(2024, 1, 1)))
    except (ValueError, StopIteration) as error:  # croniter's faults are ValueErrors
        raise _malformed(f"{text!r} is no cron line, or its time never comes") from error
    return timing


def _interval(plain: str, zone_of: ZoneInfo) -> Interval:
    match = _EVERY.fullmatch(plain)
    if match is None:
        raise _malformed(f"{plain!r} is no interval")
    every_s = sum(int(number) * UNIT_S[unit] for number, unit in re.findall(r"(\d{1,9})([smhdw])", match[1]))
    if not SHORTEST_S <= every_s <= LONGEST_S:
        raise _malformed("an interval is a minute at least and 366 days at most")
    if match[2] is None:
        return Interval(every_s)
    try:
        anchor = datetime.fromisoformat(match[2].upper())
        return Interval(every_s, earlier(anchor, zone_of) if anchor.tzinfo is None else anchor.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise _malformed(f"{match[2]!r} is no moment: write 2026-11-21T03:00") from error


def _checked_cron(plain: str) -> str:
    """Refuses what croniter takes beyond cron: seconds, years, and fields at random."""
    fields = plain.split()
    if len(fields) != 5 or not all(_FIELD.fullmatch(field) for field in fields):
        raise _malformed(f"{plain!r} is no cron line")
    for word in re.findall(r"[a-z]+", plain):
        if word not in _WORDS:
            raise _malformed(f"{word!r} is neither a day nor a month")
    # 5-5 is 5; croniter takes it for all there is.
    return " ".join(re.sub(r"(?<![^,])(\w+)-\1(?=,|$)", r"\1", field) for field in fields)


def after(timing: Timing, moment: datetime) -> Iterator[datetime]:
    """Every time it is due after ``moment``, in order, each once, in UTC."""
    if isinstance(timing, Interval):
        every = timedelta(seconds=timing.every_s)
        due = timing.anchor + ((moment - timing.anchor) // every + 1) * every
        while True:
            yield due
            due += every
    line, zone_of = _line(timing), zone(timing.timezone)
    while True:
        found = _next_cron(timing, line, zone_of, moment)
        if found is None:
            return
        yield found
        moment = found


def next_times(timing: Timing, moment: datetime, count: int) -> list[datetime]:
    return list(islice(after(timing, moment), count))


def next_time(timing: Timing, moment: datetime) -> datetime | None:
    """None: it does not come again (croniter looks fifty years ahead)."""
    return next(after(timing, moment), None)


def between(timing: Timing, since: datetime, until: datetime, most: int) -> list[datetime]:
    """When it was due after ``since`` and not after ``until``: the latest ``most`` times, in order.

    After a year's downtime of a job that is due every minute this looks at the end of the year only.
    """
    if since >= until:
        return []
    window = _FIRST_WINDOW
    while True:
        start = max(since, until - window)
        found = list(takewhile(lambda due: due <= until, after(timing, start)))
        if len(found) >= most or start == since:
            return found[-most:]
        window *= 2


def jitter(schedule_id: str, due: datetime, most_s: int) -> timedelta:
    """By how much this time is put off: the same in every process, 0 to ``most_s`` seconds."""
    if most_s <= 0:
        return timedelta(0)
    digest = sha256(f"{schedule_id}|{due.astimezone(UTC).isoformat()}".encode()).digest()
    return timedelta(seconds=int.from_bytes(digest[:8], "big") % (most_s + 1))


def _next_cron(timing: Cron, line: croniter, zone_of: ZoneInfo, moment: datetime) -> datetime | None:
    start = wall_time(moment, zone_of)
    found = _first(line, start, moment, earlier, zone_of)
    if timing.is_rhythm:
        again = _first(line, start - put_back(start, zone_of), moment, later, zone_of)
        if found is None or again is not None and again < found:
            return again
    return found


def _first(line: croniter, start: datetime, moment: datetime, place: Callable[[datetime, ZoneInfo], datetime],
           zone_of: ZoneInfo) -> datetime | None:
    """The first time on the wall's clock after ``start`` whose moment lies behind ``moment``."""
    for wall in _wall_times(line, start):
        found = place(wall, zone_of)
        if found > moment:
            return found
    return None


def _wall_times(line: croniter, start: datetime) -> Iterator[datetime]:
    """Times after ``start`` on a clock that never changes; ends where croniter finds no more."""
    from croniter import CroniterBadDateError

    while True:
        try:
            start = line.get_next(datetime, start_time=start)
        except (CroniterBadDateError, OverflowError):
            return
        yield start


def _line(timing: Cron) -> croniter:
    """Not to be shared by threads."""
    from croniter import croniter

    return croniter(timing.fields, datetime(2024, 1, 1))


def _malformed(message: str) -> Malformed:
    return Malformed(message, code="timing", hint=EXAMPLES)
