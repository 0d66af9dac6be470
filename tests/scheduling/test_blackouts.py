from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from orchestrator.refusals import Malformed
from orchestrator.scheduling.blackouts import holding, parse_all

NIGHT = {"days": ["fri", "sat"], "from": "22:00", "to": "06:00", "timezone": "Europe/Berlin", "reason": "night"}
DAY = {"from": "09:00", "to": "17:00"}
WHOLE = {"days": ["Sunday"], "from": "00:00", "to": "00:00"}
FREEZE = {"start": "2026-12-24T12:00:00+01:00", "end": "2027-01-02T00:00:00+01:00", "reason": "freeze"}

# 20 November 2026 is a Friday; Berlin is at +01:00.
ROWS = {
    "before it begins": (NIGHT, "2026-11-20T20:59:59Z", False),
    "at its beginning": (NIGHT, "2026-11-20T21:00Z", True),
    "after midnight of its first day": (NIGHT, "2026-11-21T04:59Z", True),
    "at its end": (NIGHT, "2026-11-21T05:00Z", False),
    "the second day's night reaches into Sunday": (NIGHT, "2026-11-22T04:00Z", True),
    "Sunday's own night is not one": (NIGHT, "2026-11-22T21:30Z", False),
    "Thursday's is not": (NIGHT, "2026-11-20T04:00Z", False),
    "in summer by the wall's clock": (NIGHT, "2026-07-03T20:00Z", True),
    "the hour that comes twice, both times": (
        {**NIGHT, "from": "02:00", "to": "03:00", "days": ["sun"]}, "2026-10-25T01:30Z", True),
    "every day, UTC": (DAY, "2026-11-18T09:00Z", True),
    "every day, over": (DAY, "2026-11-18T17:00Z", False),
    "a whole day": (WHOLE, "2026-11-22T23:59Z", True),
    "a whole day, and no more": (WHOLE, "2026-11-23T00:00Z", False),
    "once": (FREEZE, "2026-12-31T00:00Z", True),
    "once, at its end": (FREEZE, "2027-01-01T23:00Z", False),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_whether_a_moment_is_within(row: tuple[dict[str, Any], str, bool]) -> None:
    window, at, expected = row
    assert (holding(parse_all([window], "UTC"), datetime.fromisoformat(at)) is not None) is expected


@pytest.mark.parametrize("wrong", [
    {}, {"from": "22:00"}, {**DAY, "from": "9:00"}, {**DAY, "to": "24:00"}, {**DAY, "days": []}, {**DAY, "days": "mon"},
    {**DAY, "days": ["monday", 3]}, {**DAY, "days": ["xyz"]}, {**DAY, "timezone": "Nowhere"}, {**DAY, "timezone": 5},
    {**DAY, "more": 1}, {**FREEZE, "end": "2026-12-01T00:00:00Z"}, {**FREEZE, "start": "2026-12-01T00:00:00"},
    {**FREEZE, "start": 5},
    {**FREEZE, "start": "0001-01-01T00:00:00+14:00"}, {**FREEZE, "from": "09:00"}, {**DAY, "reason": "x" * 300},
    {**DAY, "from": None}])
def test_what_is_no_blackout_is_refused_by_its_number(wrong: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parse_all([DAY, wrong], "UTC")


def test_there_are_not_too_many() -> None:
    with pytest.raises(Malformed):
        parse_all([DAY] * 51, "UTC")
