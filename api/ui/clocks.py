"""By which clock times are read: UTC, each schedule's own, or that of the browser; the choice is kept in a cookie."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from msgspec import Struct

from api.operator.conventions import AnyRequest
from api.operator.identity import cookie_of
from orchestrator.refusals import Malformed
from orchestrator.scheduling.wall_clock import zone

UTC, SCHEDULE, BROWSER = "utc", "schedule", "browser"
CLOCKS = {UTC: "UTC", SCHEDULE: "Schedule's zone", BROWSER: "This browser's"}
CHOSEN, ZONE = "clock", "zone"
"""Cookies: the choice, and the zone that app.js tells."""
KEPT_S = 400 * 86_400


class Clock(Struct, frozen=True):
    """``here``: the browser's zone, None where it told none that there is."""

    kind: str
    here: str | None = None

    @property
    def viewer(self) -> ZoneInfo:
        """The zone in which whoever looks has today."""
        return zone(self.here) if self.here and self.kind != UTC else zone("UTC")

    def reads(self, moment: datetime, schedules_zone: str) -> datetime:
        """``moment`` as this clock shows it."""
        return moment.astimezone(zone(schedules_zone) if self.kind == SCHEDULE else self.viewer)


def clock_of(request: AnyRequest) -> Clock:
    """What is asked for now, or was chosen before."""
    kinds = (request.query_params.get("clock"), cookie_of(request, CHOSEN))
    return Clock(next((kind for kind in kinds if kind in CLOCKS), UTC), known_zone(cookie_of(request, ZONE)))


def known_zone(text: str) -> str | None:
    """The name of a zone as a browser has told it. Pure."""
    name = unquote(text.strip('"'))
    try:
        zone(name)
    except Malformed:
        return None
    return name


def explained(clock: Clock, zones: Mapping[str, str]) -> str:
    """In words, for above the month; ``zones``: of each schedule in it, by name. Pure."""
    if clock.kind == UTC:
        return "Times in UTC."
    if clock.kind == BROWSER:
        return f"Times in {clock.here}, the zone of this browser." if clock.here else \
            "This browser has not told its zone: times in UTC."
    there = sorted(set(zones.values()))
    if len(there) == 1:
        return f"Times in {there[0]}, the zone of all these schedules."
    named = [f"{where}: {', '.join(sorted(name for name in zones if zones[name] == where))}" for where in there]
    return "Times as each schedule's own clock shows them" + (f" ({'; '.join(named)})." if named else ".")
