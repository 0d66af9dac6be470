"""``no_log``: nothing of the task comes out of any sink. A canary is looked for in all of them."""

from __future__ import annotations

import io

import pytest

from orchestrator.cli.display.jsonl import JsonLines
from orchestrator.cli.display.plain import PlainDisplay
from tests.engine.harness import run_play

CANARY = "sesame-7f3a"

TASKS = [
    ("failing filter", "debug: {msg: \"{{ secret | from_json }}\"}"),
    ("wrong type", "debug: {msg: \"{{ secret + 1 }}\"}"),
    ("undefined inside", "debug: {msg: \"{{ {'a': secret}[secret] }}\"}"),
    ("module argument", "copy: {dest: '/nonexistent/{{ secret }}', content: '{{ secret }}'}"),
    ("output", "command: echo {{ secret }}"),
    ("failed command", "shell: echo {{ secret }}; echo {{ secret }} >&2; exit 3"),
    ("diff", "copy: {dest: '{{ folder }}/f', content: '{{ secret }}'}"),
    ("assertion", "assert: {that: [\"secret == 'no'\"], fail_msg: '{{ secret }}'}"),
    ("failed_when", "command: echo {{ secret }}\n              failed_when: \"secret in ''\""),
    ("condition", "debug: {msg: x}\n              when: \"secret | from_json\""),
    ("loop", "debug: {msg: '{{ item }}'}\n              loop: ['{{ secret }}', '{{ secret }}2']"),
    ("label", "debug: {msg: x}\n              loop: [1, 2]\n              loop_control: {label: '{{ secret }}'}"),
    ("failing loop", "debug: {msg: x}\n              loop: '{{ secret }}'"),
    ("failing items", "command: cat {{ item }}\n              loop: ['/nonexistent/{{ secret }}']"),
    ("retries", "command: cat /{{ secret }}\n              until: false\n              retries: 1\n"
     "              delay: 0"),
    ("missing file", "include_tasks: '{{ secret }}.yml'"),
    ("missing files", "include_tasks: '{{ item }}.yml'\n              loop: ['{{ secret }}']"),
    ("missing role", "include_role: {name: '{{ secret }}'}"),
    ("missing source", "copy: {src: '{{ secret }}', dest: /tmp/x}"),
    ("missing template", "template: {src: '{{ secret }}', dest: /tmp/x}"),
    ("time limit", "shell: echo {{ secret }}; sleep 20\n              timeout: 1"),
    ("delegate", "debug: {msg: '{{ secret.nope }}'}\n              delegate_to: h1"),
]


@pytest.mark.parametrize("task", [t[1] for t in TASKS], ids=[t[0] for t in TASKS])
@pytest.mark.parametrize("verbosity", [0, 3])
def test_the_canary_is_in_no_sink(tmp_path, task, verbosity):
    shown, lines = io.StringIO(), io.StringIO()
    displays = [PlainDisplay(shown, shown, verbosity=verbosity, diff=True), JsonLines(lines)]
    include = task.startswith("include_")
    log = "" if include else "no_log: true"
    ran = run_play(
        tmp_path, f"""
        - hosts: all
          {"no_log: true" if include else ""}
          vars: {{folder: {tmp_path}}}
          tasks:
            - {task}
              {log}
    """, extra_vars={"secret": CANARY}, diff=True, verbosity=verbosity,
        on_event=lambda event: [display.on(event) for display in displays])
    for sink in (shown.getvalue(), lines.getvalue(), repr([r for r in ran.store.rows]), repr(ran.notices)):
        assert CANARY not in sink
    assert ran.results


def test_a_no_log_that_cannot_be_told_hides_all_the_same(tmp_path):
    ran = run_play(tmp_path, """
        - hosts: all
          tasks: [{debug: {msg: "{{ secret }}"}, no_log: "{{ secret.nope }}"}]
    """, extra_vars={"secret": CANARY})
    assert ran.results[0].status == "failed"
    assert CANARY not in repr(ran.store.rows)
