"""Arguments as a plugin of one's own gets them: every spelling, and which of several places wins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engine.harness import run_play

ECHO = """
    from ansible.plugins.action import ActionBase

    class ActionModule(ActionBase):
        def run(self, tmp=None, task_vars=None):
            return dict(given=self._task.args)
    """
HEAD = """
- hosts: all
  gather_facts: false
  vars: {low: {a: low, b: low, c: low, d: low, e: low}, high: {a: high}, one: a word}
  tasks:
  - """
CASES = [
    ("words", "echo: a=1 b='x y'", {"a": "1", "b": "x y"}),
    ("a mapping", "echo: {a: 1}", {"a": 1}),
    ("args beside words", "echo: a=1\n    args: {a: 2, b: 2}", {"a": "1", "b": 2}),
    ("nothing", "echo:\n    args:", {}),
    ("one template", "echo: '{{ high }}'", {"a": "high"}),
    ("a template over one in args", "echo: '{{ high }}'\n    args: '{{ low }}'",
     {"a": "high", "b": "low", "c": "low", "d": "low", "e": "low"}),
    ("words over args over a template", "echo: '{{ low }} a=1'\n    args: {b: 2}",
     {"a": "1", "b": 2, "c": "low", "d": "low", "e": "low"}),
    ("action with a template below args", "action: {module: \"{{ 'echo' }}\", args: '{{ high }}'}", {"a": "high"}),
    ("action with all of it", "action: {args: {a: 0}, module: 'echo {{ low }} a=1 b=1', a: 2, b: 2, c: 2}\n"
                              "    args: {a: 3, b: 3, c: 3, d: 3}", {"a": 0, "b": "1", "c": 2, "d": 3, "e": "low"}),
    ("omitted", "echo: a=1 b={{ omit }}\n    args: {b: 2}", {"a": "1"}),
]
REFUSED = [
    ("words that are no name=value", "echo: a=1 junk", "does not support raw params"),
    ("a template that gives a list", "echo: '{{ [1] }}'", "must resolve to a 'dict'"),
    ("a template that gives a word", "echo: 'a=1 {{ one }}'", "must resolve to a 'dict'"),
]


def given(folder: Path, task: str) -> Any:
    ran = run_play(folder, HEAD + task + "\n", files={"action_plugins/echo.py": ECHO})
    return ran.results[0].values


@pytest.mark.parametrize(("task", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_arguments_are_merged_as_in_ansible(tmp_path: Path, task: str, expected: dict[str, Any]) -> None:
    assert given(tmp_path, task)["given"] == expected


@pytest.mark.parametrize(("task", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_free_text_is_refused_where_nothing_takes_it(tmp_path: Path, task: str, words: str) -> None:
    assert words in given(tmp_path, task)["msg"]
