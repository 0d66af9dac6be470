"""Which waiting runs are taken next: fair by user, then by priority, then by age; within every limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.runs.queue import RESERVES_AFTER_S, Limits, Running, Waiting, choose

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def waiting(name: str, user: str = "ann", age_s: float = 10, hosts: str = "", **more: Any) -> Waiting:
    return Waiting(name, user, NOW - timedelta(seconds=age_s), hosts=frozenset(hosts.split()), **more)


def running(name: str, user: str = "ann", age_s: float = 10, **more: Any) -> Running:
    return Running(name, user, NOW - timedelta(seconds=age_s), **more)


CASES: list[tuple[str, list[Waiting], list[Running], dict[str, str], Limits, list[str]]] = [
    ("nothing waits", [], [], {}, Limits(4), []),
    ("no room", [waiting("a")], [], {}, Limits(0), []),
    ("the oldest first", [waiting("b", age_s=5), waiting("a", age_s=9)], [], {}, Limits(4), ["a", "b"]),
    ("a higher priority before an older one", [waiting("a", age_s=9), waiting("b", age_s=1, priority=5)], [], {},
     Limits(4), ["b", "a"]),
    ("users take turns", [waiting("a1"), waiting("a2"), waiting("a3"), waiting("b1", "bob", age_s=1)], [], {},
     Limits(3), ["a1", "b1", "a2"]),
    ("who has nothing running goes first", [waiting("a1"), waiting("b1", "bob", age_s=1)], [running("x", "ann")], {},
     Limits(1), ["b1"]),
    ("another's priority does not buy a turn", [waiting("a1", priority=100), waiting("b1", "bob")],
     [running("x", "ann")], {}, Limits(1), ["b1"]),
    ("of equals, who was served longest ago", [waiting("a1"), waiting("b1", "bob")],
     [running("x", "ann", age_s=5), running("y", "bob", age_s=50)], {}, Limits(1), ["b1"]),
    ("a limit per user", [waiting("a1"), waiting("a2"), waiting("a3")], [running("x")], {}, Limits(9, per_user=2),
     ["a1"]),
    ("a limit per schedule", [waiting("a1", schedule_id="s"), waiting("a2", schedule_id="s"), waiting("a3")], [], {},
     Limits(9, {"s": 1}), ["a1", "a3"]),
    ("a schedule that is full", [waiting("a1", schedule_id="s")], [running("x", schedule_id="s")], {},
     Limits(9, {"s": 1}), []),
    ("slices do not count for their schedule", [waiting("a1", schedule_id="s")],
     [running("x.0", schedule_id="s", parent_id="x")], {}, Limits(9, {"s": 1}), ["a1"]),
    ("a slice starts whatever its schedule's limit", [waiting("x.1", schedule_id="s", parent_id="x", hosts="h1")],
     [running("x.0", schedule_id="s", parent_id="x"), running("x", schedule_id="s")], {"h1": "x"},
     Limits(9, {"s": 1}), ["x.1"]),
    ("a host that another run has", [waiting("a1", hosts="h1 h2"), waiting("a2", hosts="h3")], [], {"h1": "x"},
     Limits(9), ["a2"]),
    ("a host that it has itself", [waiting("a1", hosts="h1")], [], {"h1": "a1"}, Limits(9), ["a1"]),
    ("two for one host: one", [waiting("a1", hosts="h1"), waiting("a2", hosts="h1", age_s=5)], [], {}, Limits(9),
     ["a1"]),
    ("unless it is allowed", [waiting("a1", hosts="h1"), waiting("a2", hosts="h1", age_s=5, allow_concurrent=True)],
     [], {"h1": "x"}, Limits(9), ["a2"]),
    ("a large run that waited long reserves its hosts",
     [waiting("big", age_s=RESERVES_AFTER_S, hosts="h1 h2"), waiting("small", "bob", age_s=1, hosts="h2")], [],
     {"h1": "x"}, Limits(9), []),
    ("not before", [waiting("big", age_s=RESERVES_AFTER_S - 1, hosts="h1 h2"),
                    waiting("small", "bob", age_s=1, hosts="h2")], [], {"h1": "x"}, Limits(9), ["small"]),
    ("and not against a higher priority",
     [waiting("big", age_s=RESERVES_AFTER_S, hosts="h1 h2"), waiting("small", age_s=1, hosts="h2", priority=1)], [],
     {"h1": "x"}, Limits(9), ["small"]),
]


@pytest.mark.parametrize(("left", "busy", "locked", "limits", "expected"), [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])
def test_the_next_are(left, busy, locked, limits, expected):
    assert [run.id for run in choose(left, busy, locked, limits, NOW)] == expected


WAITING = st.builds(
    lambda number, user, age, priority, hosts, schedule, alone: Waiting(
        f"r{number}", user, NOW - timedelta(seconds=age), priority, schedule, None, frozenset(hosts), alone),
    st.integers(0, 10_000), st.sampled_from("abc"), st.integers(0, 200), st.integers(-2, 2),
    st.sets(st.sampled_from(["h1", "h2", "h3", "h4"])), st.sampled_from([None, "s"]), st.booleans())


@given(st.lists(WAITING, max_size=12, unique_by=lambda run: run.id), st.integers(0, 6),
       st.dictionaries(st.sampled_from(["h1", "h2"]), st.just("other"), max_size=2))
def test_no_limit_is_ever_passed_and_no_host_is_given_twice(left, free, locked):
    chosen = choose(left, [], locked, Limits(free, {"s": 1}, per_user=3), NOW)
    assert len(chosen) <= free
    assert len({run.id for run in chosen}) == len(chosen)
    assert sum(run.schedule_id == "s" for run in chosen) <= 1
    assert all(sum(run.user_id == user for run in chosen) <= 3 for user in "abc")
    hosts = [host for run in chosen if not run.allow_concurrent for host in run.hosts]
    assert len(set(hosts)) == len(hosts) and not set(hosts) & locked.keys()


@given(st.lists(WAITING, min_size=1, max_size=12, unique_by=lambda run: run.id))
def test_with_room_and_free_hosts_somebody_always_goes(left):
    assert choose(left, [], {}, Limits(1), NOW)
