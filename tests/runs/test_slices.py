"""Hosts divided, and put together again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.runs.slices import merged_recap, merged_status, split


@given(st.lists(st.text(min_size=1), min_size=1, max_size=50, unique=True), st.integers(1, 40))
def test_every_host_is_in_one_part_and_parts_are_alike(hosts, slices):
    parts = split(hosts, slices)
    assert sorted(host for part in parts for host in part) == sorted(hosts)
    assert len(parts) == min(slices, len(hosts))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_hosts_are_dealt_as_cards():
    assert split(["a", "b", "c", "d", "e"], 2) == [["a", "c", "e"], ["b", "d"]]


@pytest.mark.parametrize(("statuses", "expected"), [
    (["ok", "ok"], "ok"), (["ok", "failed", "unreachable"], "failed"), (["ok", "unreachable"], "unreachable"),
    (["cancelled", "failed"], "failed"), (["interrupted", "failed"], "interrupted"), (["pending", "ok"], "pending"),
])
def test_the_worst_counts(statuses, expected):
    assert merged_status(statuses) == expected


def test_counts_of_a_host_in_two_slices_are_added():
    assert merged_recap([{"a": {"ok": 1, "failed": 0}}, {"a": {"ok": 2, "failed": 1}, "b": {"ok": 5}}]) == {
        "a": {"ok": 3, "failed": 1}, "b": {"ok": 5}}
