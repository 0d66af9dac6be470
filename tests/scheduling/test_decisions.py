"""What becomes of each time: rows of rules and facts, and the decisions that follow. Times are minutes before now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.scheduling.blackouts import Once
from orchestrator.scheduling.decisions import (
    MISFIRE,
    MOST_WAITING,
    OVERLAP,
    Cancel,
    Decision,
    Due,
    Launch,
    Rules,
    Settle,
    Situation,
    Wait,
    decide,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CLOSED = Once(NOW - timedelta(minutes=90), NOW - timedelta(minutes=30), "backup")
CLOSED_NOW = Once(NOW - timedelta(minutes=5), NOW + timedelta(minutes=5), "freeze")


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def situation(*dues: float, waiting: tuple[float, ...] = (), **more: Any) -> Situation:
    return Situation(NOW, tuple(Due(ago(one), ago(one)) for one in dues), tuple(ago(one) for one in waiting), **more)


def shown(decisions: list[Decision]) -> list[str]:
    """``launch 5``: of the time five minutes ago."""
    names = {Launch: "launch", Wait: "wait", Cancel: "cancel"}
    found = []
    for one in decisions:
        minutes = f"{(NOW - one.due).total_seconds() / 60:g}"
        word = one.outcome if isinstance(one, Settle) else names[type(one)]
        found.append(f"{word} {one.run_id} for {minutes}" if isinstance(one, Cancel) else f"{word} {minutes}")
    return found


def rules(**more: Any) -> Rules:
    return Rules(**{"grace_s": 600, **more})


ROWS: dict[str, tuple[Rules, Situation, list[str]]] = {
    "nothing is due": (rules(), situation(), []),
    "on time": (rules(), situation(0), ["launch 0"]),
    "late within the grace": (rules(misfire="skip"), situation(10), ["launch 10"]),
    "too late, skip": (rules(misfire="skip"), situation(11), ["missed 11"]),
    "too late, once": (rules(misfire="once"), situation(11), ["launch 11"]),
    "too late, all": (rules(misfire="all"), situation(11), ["missed 11"]),
    "after downtime, skip": (
        rules(misfire="skip"), situation(60, 40, 20, 5), ["missed 60", "missed 40", "missed 20", "launch 5"]),
    "after downtime, skip, none within the grace": (
        rules(misfire="skip"), situation(60, 40, 20), ["missed 60", "missed 40", "missed 20"]),
    "after downtime, once": (rules(misfire="once"), situation(60, 40, 20), ["missed 60", "missed 40", "launch 20"]),
    "after downtime, once, and one within the grace": (
        rules(misfire="once"), situation(60, 40, 5), ["missed 60", "missed 40", "launch 5"]),
    "after downtime, all": (
        rules(misfire="all", max_running=9), situation(60, 9, 6, 3), ["missed 60", "launch 9", "launch 6", "launch 3"]),
    "after downtime, all, as many as are allowed": (
        rules(misfire="all", max_running=2), situation(9, 6, 3), ["launch 9", "launch 6", "skipped 3"]),
    "jitter does not make it late": (rules(misfire="skip"), Situation(NOW, (Due(ago(60), ago(1)),)), ["launch 60"]),
    "overlap, skip": (rules(), situation(0, running=("r1",)), ["skipped 0"]),
    "overlap, room for another": (rules(max_running=2), situation(0, running=("r1",)), ["launch 0"]),
    "overlap, queue": (rules(overlap="queue"), situation(0, running=("r1",)), ["wait 0"]),
    "overlap, queue behind another": (rules(overlap="queue"), situation(0, waiting=(20,), running=("r1",)), ["wait 0"]),
    "overlap, the queue is full": (
        rules(overlap="queue"), situation(0, waiting=tuple(range(100, 100 - MOST_WAITING, -1)), running=("r1",)),
        ["skipped 0"]),
    "what waited starts when there is room": (rules(overlap="queue"), situation(waiting=(20, 10)), ["launch 20"]),
    "what waited goes before what is due": (
        rules(overlap="queue"), situation(0, waiting=(20,)), ["launch 20", "wait 0"]),
    "what waited stays while it runs": (rules(overlap="queue"), situation(waiting=(20,), running=("r1",)), []),
    "overlap, cancel": (rules(overlap="cancel"), situation(0, running=("r1",)), ["wait 0", "cancel r1 for 0"]),
    "overlap, cancel the oldest of several": (
        rules(overlap="cancel", max_running=2), situation(0, running=("r1", "r2")), ["wait 0", "cancel r1 for 0"]),
    "overlap, one is cancelled already": (
        rules(overlap="cancel"), situation(0, running=("r1",), cancelling=frozenset({"r1"})), ["wait 0"]),
    "overlap, cancel, a newer one takes the place of what waits": (
        rules(overlap="cancel"), situation(0, waiting=(20,), running=("r1",), cancelling=frozenset({"r1"})),
        ["skipped 20", "wait 0"]),
    "overlap, cancel, the cancelled one has ended": (rules(overlap="cancel"), situation(waiting=(20,)), ["launch 20"]),
    "two at once, cancel: the newest stays": (
        rules(overlap="cancel", misfire="all"), situation(6, 3, running=("r1",)),
        ["cancel r1 for 6", "skipped 6", "wait 3"]),
    "a blackout at its time": (rules(blackouts=(CLOSED,)), situation(40, 5), ["blackout 40", "launch 5"]),
    "a blackout is not made up for": (rules(blackouts=(CLOSED,)), situation(40), ["blackout 40"]),
    "a blackout now": (rules(blackouts=(CLOSED_NOW,)), situation(8), ["blackout 8"]),
    "what waits stays during a blackout": (
        rules(overlap="queue", blackouts=(CLOSED_NOW,)), situation(waiting=(20,)), []),
    "too old a success": (rules(catch_up_age_s=3600), situation(last_success=ago(61)), ["launch 1"]),
    "young enough": (rules(catch_up_age_s=3600), situation(last_success=ago(59)), []),
    "caught up already": (
        rules(catch_up_age_s=3600), situation(last_success=ago(61), caught_up=frozenset({ago(1)})), []),
    "caught up by what is due": (rules(catch_up_age_s=3600), situation(0, last_success=ago(99)), ["launch 0"]),
    "what runs may be the success": (
        rules(catch_up_age_s=3600, max_running=3), situation(last_success=ago(99), running=("r1",)), []),
    "no catching up in a blackout": (
        rules(catch_up_age_s=3600, blackouts=(CLOSED_NOW,)), situation(last_success=ago(99)), []),
    "missed, and caught up with": (
        rules(misfire="skip", catch_up_age_s=3600), situation(20, last_success=ago(99)), ["missed 20", "launch 39"]),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_decisions(row: tuple[Rules, Situation, list[str]]) -> None:
    how, facts, expected = row
    assert shown(decide(how, facts)) == expected


MINUTES = st.lists(st.integers(0, 300), max_size=12, unique=True).map(lambda found: sorted(found, reverse=True))


@st.composite
def situations(draw: st.DrawFn) -> tuple[Rules, Situation]:
    minutes = draw(MINUTES)
    cut = draw(st.integers(0, len(minutes)))
    running = tuple(f"r{number}" for number in range(draw(st.integers(0, 4))))
    how = Rules(draw(st.sampled_from(MISFIRE)), draw(st.sampled_from(OVERLAP)), draw(st.integers(10, 20_000)),
                draw(st.sampled_from([0, 600, 6_000])), draw(st.integers(1, 4)),
                tuple(draw(st.sets(st.sampled_from([CLOSED, CLOSED_NOW])))))
    facts = situation(*minutes[cut:], waiting=tuple(minutes[:cut]), running=running,
                      cancelling=frozenset(draw(st.sets(st.sampled_from(running)))) if running else frozenset(),
                      last_success=ago(draw(st.integers(0, 300))))
    return how, facts


@settings(max_examples=500, deadline=None)
@given(situations())
def test_no_time_is_decided_twice_and_never_are_there_more_runs_than_allowed(given_: tuple[Rules, Situation]) -> None:
    how, facts = given_
    decisions = decide(how, facts)
    named = [one.due for one in decisions if not isinstance(one, Cancel)]
    assert len(named) == len(set(named))
    assert {one.due for one in facts.dues} <= set(named), "every time that is due is decided about"
    launches = [one for one in decisions if isinstance(one, Launch)]
    assert len(launches) <= max(how.max_running - len(facts.running), 0)
    cancels = [one.run_id for one in decisions if isinstance(one, Cancel)]
    assert len(cancels) <= 1 and set(cancels) <= set(facts.running) - facts.cancelling
    if how.overlap != "cancel":
        assert not cancels
    if how.overlap == "skip":
        assert not any(isinstance(one, Wait) for one in decisions)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["due", "end", "nothing"]), st.integers(1, 30)), max_size=40),
       st.sampled_from(MISFIRE), st.sampled_from(OVERLAP), st.integers(1, 3))
def test_a_life_of_a_schedule(steps: list[tuple[str, int]], misfire: str, overlap: str, most: int) -> None:
    """Times come, runs end, looks are late: no time starts twice, and the limit holds all along."""
    how = Rules(misfire, overlap, 600, 0, most)
    now, watermark = NOW, NOW
    running: list[str] = []
    cancelling: set[str] = set()
    waiting: list[datetime] = []
    started: set[datetime] = set()
    for what, minutes in steps:
        now += timedelta(minutes=minutes)
        if what == "end" and running:
            cancelling.discard(running.pop(0))
        times = (watermark + timedelta(minutes=7) * count for count in range(1, 20))
        dues = tuple(Due(at, at) for at in times if at <= now)
        watermark = dues[-1].due if dues else watermark
        for one in decide(how, Situation(now, dues, tuple(waiting), tuple(running), frozenset(cancelling))):
            if isinstance(one, Cancel):
                cancelling.add(one.run_id)
                continue
            if one.due in waiting:
                waiting.remove(one.due)
            if isinstance(one, Wait):
                waiting.append(one.due)
            if isinstance(one, Launch):
                assert one.due not in started
                started.add(one.due)
                running.append(one.due.isoformat())
        assert len(running) <= most
        assert len(waiting) <= MOST_WAITING
