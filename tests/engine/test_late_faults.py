"""What is wrong with a task of a role is found when the task is reached, as in Ansible, and is a warning until then."""

from __future__ import annotations

import pytest

from tests.engine.harness import run_play

FAULTS = [
    ("unclosed condition", "command: 'true'\n  when: (x", "unexpected end"),
    ("unknown filter", "debug: {msg: '{{ 1 | nofilter }}'}", "nofilter"),
    ("unknown argument", "file: {path: /tmp, statee: directory}", "statee"),
    ("required argument", "copy: {content: x}", "dest"),
]
PLAY = "\n        - {hosts: all, roles: [r]}\n    "


def indented(text):
    return text.replace("\n", "\n  ")


@pytest.fixture
def play(tmp_path):
    return lambda text: run_play(tmp_path, PLAY, files={"roles/r/tasks/main.yml": text})


@pytest.mark.parametrize(("task", "said"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_task_that_is_reached_fails_and_can_be_rescued(play, task, said):
    ran = play(f"- block:\n  - {indented(task)}\n  rescue:\n  - debug: {{msg: rescued}}\n")
    assert ran.ended.exit_code == 0
    assert said in ran.results[0].message
    assert ran.results[-1].values["msg"] == "rescued"


@pytest.mark.parametrize("task", [f[1] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_task_without_items_is_skipped(play, task):
    ran = play(f"- {task}\n  loop: []\n- debug: {{msg: done}}\n")
    assert [result.status for result in ran.results] == ["skipped", "ok"]


def test_an_argument_that_is_omitted_may_be_misspelt(play):
    [result] = play("- file: {path: /tmp, statee: '{{ nothing | default(omit) }}'}\n").results
    assert result.status == "ok"


def test_a_keyword_that_cannot_be_read_is_a_fault_at_once(play):
    with pytest.raises(AssertionError):  # what the harness makes of faults
        play("- debug: {msg: x}\n  retries: often\n")
