"""``set_stats``: what it returns, what it refuses, and what a run ends with."""

from __future__ import annotations

import pytest

from orchestrator.cli.display import custom_stats
from orchestrator.engine.custom_stats import collect
from tests.engine.harness import run_play


@pytest.mark.parametrize(("told", "ends"), [
    pytest.param([{"n": 1}, {"n": 2}], {"n": 3}, id="numbers"),
    pytest.param([{"t": "a"}, {"t": "b"}], {"t": "ab"}, id="texts"),
    pytest.param([{"l": [1]}, {"l": [2]}], {"l": [1, 2]}, id="lists"),
    pytest.param([{"m": {"a": 1, "d": {"x": 1}}}, {"m": {"a": 2, "d": {"y": 2}}}],
                 {"m": {"a": 2, "d": {"x": 1, "y": 2}}}, id="mappings"),
    pytest.param([{"n": 1}, {"n": "x"}], {"n": 1}, id="another type"),
])
def test_what_is_aggregated(told, ends):
    stats = {}
    for data in told:
        collect(stats, ["h1"], {"data": data, "per_host": False, "aggregate": True})
    assert stats == {"_run": ends}


def test_a_run_ends_with_what_was_collected(tmp_path):
    ran = run_play(tmp_path, """
        - hosts: all
          tasks:
            - {set_stats: {data: {n: 1, "{{ 'made' }}": x}, aggregate: "no"}, register: out}
            - {set_stats: {data: {mine: "{{ inventory_hostname }}"}, per_host: true}}
            - {set_stats: {data: [1]}, ignore_errors: true, register: list}
            - {set_stats: {data: {.bad: 1}}, ignore_errors: true, register: bad}
            - debug: {msg: "{{ [out.ansible_stats, out.changed, list.msg, bad.msg] }}"}
    """, hosts="h1,h2")
    assert ran.ended.stats == {"_run": {"n": 1, "made": "x"}, "h1": {"mine": "h1"}, "h2": {"mine": "h2"}}
    stats, changed, no_mapping, bad = ran.messages("h1")[0]
    assert (stats["aggregate"], stats["per_host"], changed) == (False, False, False)
    assert no_mapping == "The 'data' option needs to be a dictionary/hash"
    assert "Invalid variable name '.bad'" in bad


def test_they_are_told_on_one_line_each():
    assert list(custom_stats.lines({"_run": {"n": 25}, "h1": {"t": "x\x1b[0m"}})) == [
        '\th1: { "t": "x\\u001b[0m"}', "", '\tRUN: { "n": 25}', ""]
