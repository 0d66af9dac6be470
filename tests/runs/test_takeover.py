"""Whose work is taken over, and what becomes of each run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.runs.takeover import GAP_S, MOST_RESUMES, SILENT_S, Claimed, Seen, Sight, Takeover, dead, decide

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def seen(name: str, age_s: float, state: str = "up") -> Seen:
    return Seen(name, NOW - timedelta(seconds=age_s), state)


@pytest.mark.parametrize(("workers", "expected"), [
    ([], []),
    ([seen("a", 0), seen("b", SILENT_S - 0.1)], []),
    ([seen("a", SILENT_S), seen("b", 1)], ["a"]),
    ([seen("me", SILENT_S * 9)], []),
    ([seen("a", SILENT_S * 9, "gone")], []),
    ([seen("a", SILENT_S * 9, "dead")], ["a"]),
    ([seen("a", SILENT_S * 9, "leaving")], ["a"]),
], ids=["none", "all show themselves", "one is silent", "never oneself", "one that left in peace", "still dead",
        "died while leaving"])
def test_dead_are(workers, expected):
    assert dead(workers, NOW, "me") == expected


LONG = SILENT_S * 9


@pytest.mark.parametrize(("saw", "now", "expected"), [
    ([], 100, False),
    ([100], 100, True),
    ([100, 100 + GAP_S], 100 + GAP_S, True),
    ([100], 101 + GAP_S, False),
    ([100, 100 + LONG], 100 + LONG, False),
    ([100, 100 + LONG, 102 + LONG], 102 + LONG, False),
    ([100, *(200 + number for number in range(int(SILENT_S) + 1))], 200 + SILENT_S, True),
], ids=["has seen nothing yet", "has just come", "is late, and not too late", "cannot look now", "was away until now",
        "is back for a moment", "is back for as long as silence is"])
def test_who_may_say_that_others_are_silent(saw, now, expected):
    sight = Sight()
    for moment in saw:
        sight.saw(moment)
    assert sight.is_clear(now, SILENT_S) is expected


def claimed(name: str, worker: str, status: str = "running", resumes: int = 0) -> Claimed:
    return Claimed(name, worker, status, resumes)


@pytest.mark.parametrize(("runs", "pending", "under_way", "room", "expected"), [
    ([claimed("r1", "alive")], {}, (), 9, Takeover()),
    ([claimed("r1", "w")], {"r1": "r1:x"}, (), 9, Takeover(workflows=("r1:x",))),
    ([claimed("r1", "w")], {}, (), 9, Takeover(requeue=("r1",))),
    ([claimed("r1", "w", "queued")], {}, (), 9, Takeover(requeue=("r1",))),
    ([claimed("r1", "w")], {"r1": "r1:x"}, ("r1",), 9, Takeover()),
    ([claimed("r2", "w"), claimed("r1", "w")], {"r1": "r1:x", "r2": "r2:x"}, (), 1, Takeover(workflows=("r1:x",))),
    ([claimed("r1", "w", resumes=MOST_RESUMES)], {"r1": "r1:x"}, (), 9, Takeover(give_up=("r1",))),
], ids=["the living keep theirs", "its workflow goes on", "claimed and never begun", "claimed and still waiting",
        "somebody fetches it already", "as many as there is room for", "it kills whoever drives it"])
def test_what_becomes_of(runs, pending, under_way, room, expected):
    assert decide(runs, {"alive"}, pending, under_way, room) == expected
