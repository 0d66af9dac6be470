"""Times that lie ahead, for people: the next ten of a schedule, and a calendar of all of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice

from msgspec import Struct

from orchestrator.refusals import Malformed
from orchestrator.scheduling.blackouts import Blackout, holding
from orchestrator.scheduling.records import Fire, Schedule
from orchestrator.scheduling.timing import Timing, after, jitter
from orchestrator.scheduling.wall_clock import zone

MOST_TIMES = 100
LONGEST_CALENDAR = timedelta(days=62)
FARTHEST = timedelta(days=3_660)
MOST_ENTRIES = 2_000
MOST_OF_ONE = 200
"""Of one schedule in a calendar: what runs every minute would hide all others."""


class Preview(Struct):
    due: datetime
    local: str
    """On the clock of the schedule's time zone."""
    start: datetime
    """With the jitter that this time will have."""
    blackout: str = ""
    """Why nothing will start then."""


class Entry(Struct):
    """One time in the calendar: ``planned``, or what became of it."""

    schedule_id: str
    name: str
    kind: str
    due: datetime
    outcome: str = "planned"
    run_id: str | None = None
    reason: str = ""


class Calendar(Struct):
    items: list[Entry]
    truncated: list[str]
    """Names of schedules of which not every time is shown."""


def previewed(timing: Timing, timezone: str, blackouts: Sequence[Blackout], jitter_s: int, schedule_id: str,
              now: datetime, count: int) -> list[Preview]:
    if not 1 <= count <= MOST_TIMES:
        raise Malformed(f"1 to {MOST_TIMES} times are shown", code="request_invalid", fields=[("count", "1 to 100")])
    found = []
    for due in islice(after(timing, now), count):
        start = due + jitter(schedule_id, due, jitter_s)
        window = holding(blackouts, due) or holding(blackouts, start)
        found.append(Preview(due, due.astimezone(zone(timezone)).isoformat(), start,
                             (window.reason or "a blackout") if window else ""))
    return found


def check_range(since: datetime, until: datetime, now: datetime) -> None:
    """Raises `Malformed`."""
    if since.tzinfo is None or until.tzinfo is None:
        raise Malformed("moments need an offset: 2026-11-01T00:00:00Z", code="request_invalid")
    if not since < until or until - since > LONGEST_CALENDAR:
        raise Malformed(f"a calendar shows {LONGEST_CALENDAR.days} days at most", code="request_invalid",
                        fields=[("to", "behind from, 62 days at most")])
    if abs(since - now) > FARTHEST:
        raise Malformed("a calendar shows ten years back and ten ahead", code="request_invalid",
                        fields=[("from", "within ten years of now")])


def calendar(schedules: Iterable[Schedule], fires: Sequence[Fire], since: datetime, until: datetime,
             now: datetime) -> Calendar:
    """``fires``: what became of times in the range. Times ahead of ``now`` are computed, of active schedules only."""
    by_id = {one.id: one for one in schedules}
    entries, truncated = [], set()
    for fire in fires:
        if (one := by_id.get(fire.schedule_id)) is not None:
            entries.append(Entry(one.id, one.name, one.kind, fire.due, fire.outcome, fire.run_id, fire.reason))
    settled = {(entry.schedule_id, entry.due) for entry in entries}
    for one in by_id.values():
        if one.state != "active" or until <= now:
            continue
        blackouts = one.rules().blackouts
        times = list(islice(after(one.parsed(), max(since, now) - timedelta(microseconds=1)), MOST_OF_ONE + 1))
        ahead = [due for due in times if due < until]
        if len(ahead) > MOST_OF_ONE:
            truncated.add(one.name)
        for due in ahead[:MOST_OF_ONE]:
            if (one.id, due) not in settled:
                window = holding(blackouts, due)
                entries.append(Entry(one.id, one.name, one.kind, due, "blackout" if window else "planned",
                                     reason=(window.reason if window else "")))
    entries.sort(key=lambda entry: (entry.due, entry.name))
    truncated.update(entry.name for entry in entries[MOST_ENTRIES:])
    return Calendar(entries[:MOST_ENTRIES], sorted(truncated))
