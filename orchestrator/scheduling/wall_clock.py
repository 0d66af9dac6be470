"""Between moments and what a clock on the wall shows, where clocks are put forward and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from orchestrator.refusals import Malformed

NOTHING = timedelta(0)
_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """A time zone by its name. Raises `Malformed`; what is no name of a zone never becomes a path."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:  # no such zone is a KeyError, a path a ValueError
        raise Malformed(f"there is no time zone {name[:80]!r}", code="timezone",
                        hint="write its name: Europe/Berlin, America/New_York, UTC") from error


def wall_time(moment: datetime, zone_of: ZoneInfo) -> datetime:
    """What the clock shows, without the zone."""
    return moment.astimezone(zone_of).replace(tzinfo=None)


def earlier(wall: datetime, zone_of: ZoneInfo) -> datetime:
    """The moment at which the clock shows this: the first of two; where it never does, the one after the gap."""
    return _placed(wall, zone_of, 0)


def later(wall: datetime, zone_of: ZoneInfo) -> datetime:
    """As `earlier`, but the second of two."""
    return _placed(wall, zone_of, 1)


def put_back(wall: datetime, zone_of: ZoneInfo) -> timedelta:
    """How far the clock is put back over this time; nothing where it exists once or not at all."""
    first, second = (wall.replace(tzinfo=zone_of, fold=fold).astimezone(UTC) for fold in (0, 1))
    return max(second - first, NOTHING)  # within a gap the second comes before the first


def _placed(wall: datetime, zone_of: ZoneInfo, fold: int) -> datetime:
    moment = wall.replace(tzinfo=zone_of, fold=fold).astimezone(UTC)
    if wall_time(moment, zone_of) == wall:
        return moment
    return _end_of_gap(wall, zone_of)


def _end_of_gap(wall: datetime, zone_of: ZoneInfo) -> datetime:
    """The first moment by the new clock. PEP 495: in a gap, fold 1 gives a moment before it and fold 0 one behind."""
    wall = wall.replace(microsecond=0)
    before, behind = (wall.replace(tzinfo=zone_of, fold=fold).astimezone(UTC) for fold in (1, 0))
    old = before.astimezone(zone_of).utcoffset()
    while behind - before > _SECOND:
        middle = before + timedelta(seconds=(behind - before) // _SECOND // 2)
        if middle.astimezone(zone_of).utcoffset() == old:
            before = middle
        else:
            behind = middle
    return behind
