"""Segments: which tasks a host can be handed at once."""

from __future__ import annotations

import pytest

from orchestrator.engine.plan import MAX_TASKS, segment
from orchestrator.errors import Origin
from orchestrator.model import Condition, Loop, LoopControl, Task
from orchestrator.template.types import Map
from tests.engine.harness import run_play

PLACE = Origin("x.yml", 1, 1)


def task(name: str, action: str = "file", uses: str = "", **keywords) -> Task:
    return Task(id=name, origin=PLACE, action=action, action_written=action, name=name, trail=tuple(uses.split()),
                args=keywords.pop("args", None) or Map(), **keywords)

CASES = [
    ("all-independent", [task("a"), task("b", "copy"), task("c", "apt")], "a b c"),
    ("uses-a-register", [task("a", register="r"), task("b", uses="r")], "a"),
    ("uses-another", [task("a", register="r"), task("b", uses="q"), task("c", uses="r")], "a b"),
    ("uses-a-set-fact", [task("a", "set_fact", args=Map(x=1)), task("b", uses="x")], "a"),
    ("uses-hostvars-after-a-register", [task("a", register="r"), task("b", uses="hostvars")], "a"),
    ("uses-hostvars-after-nothing", [task("a"), task("b", uses="hostvars")], "a b"),
    ("an-include-stands-alone", [task("a"), task("b", "include_tasks"), task("c")], "a"),
    ("an-include-first", [task("b", "include_tasks"), task("c")], "b"),
    ("facts-stand-alone", [task("a", "setup"), task("b")], "a"),
    ("a-loop-stands-alone", [task("a"), task("b", loop=Loop("items", [1], LoopControl()))], "a"),
    ("until-stands-alone", [task("a"), task("b", until=(Condition("x"),))], "a"),
    ("a-delegate-stands-alone", [task("a"), task("b", delegate_to="h2")], "a"),
    ("judged-by-the-controller-is-last", [task("a", failed_when=(Condition("false"),)), task("b")], "a"),
    ("one-receipt", [task("a", "command"), task("b"), task("c", "shell"), task("d")], "a b"),
    ("receipt-in-the-middle", [task("a"), task("b", "command"), task("c")], "a b c"),
    ("changed-when-is-no-hindrance", [task("a", changed_when=(Condition("false"),)), task("b")], "a b"),
    ("debug-goes-along", [task("a"), task("b", "debug"), task("c")], "a b c"),
    ("bounded", [task(f"t{i}") for i in range(200)], " ".join(f"t{i}" for i in range(MAX_TASKS))),
]


@pytest.mark.parametrize(("tasks", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_segments(tasks, expected):
    chosen = segment(tasks, lambda t: frozenset(t.trail), lambda t: t.action in ("command", "shell"))
    assert [t.name for t in chosen] == expected.split()


def test_a_free_play_sends_segments_and_stores_each_result(tmp_path):
    ran = run_play(tmp_path, f"""
        - hosts: all
          strategy: free
          tasks:
            - {{name: one, file: {{path: {tmp_path}/a, state: directory}}}}
            - {{name: two, copy: {{dest: {tmp_path}/a/f, content: hello}}, register: made}}
            - {{name: three, debug: {{msg: between}}}}
            - {{name: four, lineinfile: {{path: {tmp_path}/a/f, line: more}}}}
            - {{name: five, debug: {{msg: "{{{{ made.changed }}}}"}}}}
            - {{name: six, slurp: {{src: {tmp_path}/a/f}}, register: s}}
            - {{name: seven, debug: {{msg: "{{{{ s.content | b64decode }}}}"}}}}
    """)
    assert ran.ended.exit_code == 0
    assert [r.task_name for r in ran.results] == "one two three four five six seven".split()
    assert ran.messages() == ["between", True, "hello\nmore\n"]
    assert len(ran.store.rows) == 7


def test_behind_a_failure_in_a_segment_nothing_runs(tmp_path):
    ran = run_play(tmp_path, f"""
        - hosts: all
          strategy: free
          tasks:
            - {{name: one, file: {{path: {tmp_path}/one, state: touch}}}}
            - {{name: two, copy: {{dest: {tmp_path}/no/where, content: x}}}}
            - {{name: three, file: {{path: {tmp_path}/three, state: touch}}}}
    """)
    assert ran.of("h1") == ["one:changed", "two:failed"]
    assert not (tmp_path / "three").exists()
    assert ran.ended.exit_code == 2


def test_a_failing_assert_stops_the_host_behind_it(tmp_path):
    ran = run_play(tmp_path, f"""
        - hosts: all
          strategy: free
          tasks:
            - {{name: one, file: {{path: {tmp_path}/one, state: touch}}}}
            - {{name: two, assert: {{that: 1 == 2}}}}
            - {{name: three, file: {{path: {tmp_path}/three, state: touch}}}}
    """)
    assert ran.of("h1") == ["one:changed", "two:failed"]
    assert (tmp_path / "one").exists() and not (tmp_path / "three").exists()


def test_a_rescue_takes_a_failure_within_a_segment(tmp_path):
    ran = run_play(tmp_path, f"""
        - hosts: all
          strategy: free
          tasks:
            - block:
                - {{name: one, copy: {{dest: {tmp_path}/no/where, content: x}}}}
                - {{name: two, file: {{path: {tmp_path}/two, state: touch}}}}
              rescue:
                - {{name: three, file: {{path: {tmp_path}/three, state: touch}}}}
            - {{name: four, copy: {{dest: {tmp_path}/no/where, content: x}}, ignore_errors: true}}
            - {{name: five, file: {{path: {tmp_path}/five, state: touch}}}}
    """)
    assert ran.of("h1") == ["one:failed", "three:changed", "four:failed", "five:changed"]
    assert not (tmp_path / "two").exists()
    assert ran.recap() == {"ok": 3, "changed": 2, "ignored": 1, "rescued": 1}
