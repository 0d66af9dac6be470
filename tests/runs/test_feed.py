"""Positions in a run, and the order of what comes from several slices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.refusals import Malformed
from orchestrator.runs.feed import EVENT, RESULT, Item, Position, merged, parse

START = datetime(2026, 11, 21, tzinfo=UTC)
PAIRS = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=33)


def item(kind: str, member: int, number: int, second: int) -> Item:
    return Item(kind, member, number, START + timedelta(seconds=second), {})


@given(PAIRS)
def test_a_position_comes_back_as_it_was_told(pairs):
    assert parse(str(Position(tuple(pairs)))) == Position(tuple(pairs))


@pytest.mark.parametrize("text", ["x", "1", "1.2.3", "-1.2", "1.2,", "1.2;3.4", "1." + "9" * 30, "1.1," * 600])
def test_what_is_no_position_is_refused(text):
    with pytest.raises(Malformed):
        parse(text)


def test_a_position_covers_what_was_read_before_it_and_nothing_else():
    position = Position().behind(item(EVENT, 0, 7, 0)).behind(item(RESULT, 2, 3, 0))
    assert str(position) == "7.0,0.0,0.3"
    assert position.covers(item(EVENT, 0, 7, 0)) and not position.covers(item(EVENT, 0, 8, 0))
    assert position.covers(item(RESULT, 2, 3, 0)) and not position.covers(item(RESULT, 1, 1, 0))
    assert not position.covers(item(EVENT, 5, 1, 0))


@given(st.lists(st.lists(st.integers(0, 50), max_size=8), max_size=6))
def test_streams_are_merged_by_time_and_each_keeps_its_order(seconds):
    streams = [[item(EVENT, member, number, second) for number, second in enumerate(one, start=1)]
               for member, one in enumerate(seconds)]
    found = merged(streams)
    assert len(found) == sum(map(len, streams))
    position = Position()
    for one in found:
        assert not position.covers(one)  # so whoever goes on from any position in the middle misses nothing
        assert one.number == position.of(one.member)[0] + 1
        position = position.behind(one)
