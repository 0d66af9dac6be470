"""The Python that was looked for is a fact, told once; hosts do not tell it themselves."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from orchestrator.engine.discovered import FACT, with_python
from tests.engine.harness import run_play

ROWS: list[tuple[str, dict[str, Any], str, dict[str, Any], dict[str, Any]]] = [
    ("found", {"ping": "pong"}, "/usr/bin/python3", {}, {"ping": "pong", "ansible_facts": {FACT: "/usr/bin/python3"}}),
    ("known already", {"ping": "pong"}, "/usr/bin/python3", {FACT: "/x"}, {"ping": "pong"}),
    ("named", {"ping": "pong"}, "", {}, {"ping": "pong"}),
    ("beside others", {"ansible_facts": {"a": 1}}, "/p", {}, {"ansible_facts": {"a": 1, FACT: "/p"}}),
    ("a module's own", {"ansible_facts": {FACT: "/evil", "discovered_interpreter_x": 1, "a": 1}}, "", {},
     {"ansible_facts": {"a": 1}}),
]


@pytest.mark.parametrize(("value", "python", "known", "after"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS])
def test_the_fact_is_told_once_and_only_by_us(
    value: dict[str, Any], python: str, known: dict[str, Any], after: dict[str, Any],
) -> None:
    assert with_python(value, python, known) == after


PLAY = """
    - hosts: all
      tasks:
        - {ping: {}, register: first}
        - {ping: {}, register: second}
        - debug: {msg: "{{ [first.ansible_facts | default({}), second.ansible_facts | default({})] }}"}
        - debug: {msg: "{{ [discovered_interpreter_python, ansible_facts.discovered_interpreter_python] }}"}
        - meta: clear_facts
        - debug: {msg: "{{ discovered_interpreter_python is defined }}"}
        - {ping: {}, delegate_to: localhost, register: away}
        - debug: {msg: "{{ away.ansible_facts is defined }}"}
"""


def test_it_is_a_fact_until_facts_are_cleared_and_is_then_told_anew(tmp_path: Any) -> None:
    ran = run_play(tmp_path, PLAY)
    assert ran.messages() == [[{FACT: sys.executable}, {}], [sys.executable] * 2, False, False]


def test_where_the_python_is_named_nothing_is_told(tmp_path: Any) -> None:
    ran = run_play(tmp_path, PLAY.split("        - debug: {msg: \"{{ [disc")[0],
                   extra_vars={"ansible_python_interpreter": sys.executable})
    assert ran.messages() == [[{}, {}]]


def test_of_tasks_that_go_to_the_host_together_the_first_tells_it(tmp_path):
    ran = run_play(tmp_path, """
        - hosts: all
          gather_facts: false
          strategy: free
          tasks: [{ping: }, {ping: }, {command: echo}]
    """)
    assert [FACT in row.values.get("ansible_facts", {}) for row in ran.results] == [True, False, False]
