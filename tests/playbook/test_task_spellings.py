"""A task in all the ways one may write it is the same task."""

from __future__ import annotations

import pytest

from orchestrator.template.types import Template
from tests.playbook.reading import tasks

SAME_COPY = {"src": "a", "dest": "/b"}

SPELLINGS = [
    ("mapping", "- copy: {src: a, dest: /b}", "copy", SAME_COPY),
    ("text", "- copy: src=a dest=/b", "copy", SAME_COPY),
    ("full name", "- ansible.builtin.copy: {src: a, dest: /b}", "copy", SAME_COPY),
    ("legacy name", "- ansible.legacy.copy: src=a dest=/b", "copy", SAME_COPY),
    ("action text", "- action: copy src=a dest=/b", "copy", SAME_COPY),
    ("action mapping", "- action: {module: copy, src: a, dest: /b}", "copy", SAME_COPY),
    ("action and args", "- action: copy\n  args: {src: a, dest: /b}", "copy", SAME_COPY),
    ("local_action text", "- local_action: copy src=a dest=/b", "copy", SAME_COPY),
    ("local_action mapping", "- local_action: {module: copy, src: a, dest: /b}", "copy", SAME_COPY),
    ("args beside", "- copy:\n  args: {src: a, dest: /b}", "copy", SAME_COPY),
    ("args below the module win", "- copy: {src: a}\n  args: {src: other, dest: /b}", "copy", SAME_COPY),
    ("args as text", "- copy:\n  args: src=a dest=/b", "copy", SAME_COPY),
    ("folded text", "- copy: >\n    src=a\n    dest=/b", "copy", SAME_COPY),
    ("command text", "- command: ls -l", "command", {"_raw_params": "ls -l"}),
    ("command with creates", "- command: touch x creates=/x", "command", {"_raw_params": "touch x", "creates": "/x"}),
    ("command with args", "- command: touch x\n  args: {creates: /x}", "command",
     {"_raw_params": "touch x", "creates": "/x"}),
    ("command cmd", "- command: {cmd: ls, chdir: /x}", "command", {"cmd": "ls", "chdir": "/x"}),
    ("command argv", "- command: {argv: [ls, -l]}", "command", {"argv": ["ls", "-l"]}),
    ("action shell", "- action: shell echo a=b chdir=/x", "shell", {"_raw_params": "echo a=b", "chdir": "/x"}),
    ("shell lines", "- shell: |\n    a\n    b", "shell", {"_raw_params": "a\nb\n"}),
    ("raw", "- raw: apt-get install python3", "raw", {"_raw_params": "apt-get install python3"}),
    ("no arguments", "- ping:", "ping", {}),
    ("empty mapping", "- ping: {}", "ping", {}),
    ("meta", "- meta: flush_handlers", "meta", {"_raw_params": "flush_handlers"}),
    ("include_vars text", "- include_vars: x.yml", "include_vars", {"_raw_params": "x.yml"}),
    ("include_vars mapping", "- include_vars: {file: x.yml, name: n}", "include_vars", {"file": "x.yml", "name": "n"}),
    ("set_fact text", "- set_fact: a=1 b='x y'", "set_fact", {"a": "1", "b": "x y"}),
    ("set_fact mapping", "- set_fact: {a: 1, b: [x]}", "set_fact", {"a": 1, "b": ["x"]}),
    ("include_tasks text", "- include_tasks: x.yml", "include_tasks", {"_raw_params": "x.yml"}),
    ("include_tasks mapping", "- include_tasks: {file: x.yml, apply: {tags: t}}", "include_tasks",
     {"file": "x.yml", "apply": {"tags": "t"}}),
    ("include_role text", "- include_role: name=x tasks_from=y", "include_role", {"name": "x", "tasks_from": "y"}),
    ("numbers", "- wait_for_connection: {timeout: 5}", "wait_for_connection", {"timeout": 5}),
]


@pytest.mark.parametrize(("text", "action", "args"), [c[1:] for c in SPELLINGS], ids=[c[0] for c in SPELLINGS])
def test_spelling(project, text, action, args):
    task = project.task(text)
    assert (task.action, dict(task.args)) == (action, args)


@pytest.mark.parametrize(("text", "delegated"), [
    ("- local_action: ping", "localhost"), ("- action: ping", None),
    ("- {ping: , delegate_to: other}", "other"),
], ids=["local_action", "action", "delegate_to"])
def test_local_action_is_delegated(project, text, delegated):
    assert project.task(text).delegate_to == delegated


def test_values_with_jinja_are_templates_and_others_are_text(project):
    task = project.task("- copy: src={{ a }} dest=/b content='x {{ y }}' mode=0644")
    assert task.args["src"] == Template("{{ a }}")
    assert task.args["content"] == Template("x {{ y }}")
    assert (task.args["dest"], task.args["mode"]) == ("/b", "0644")


def test_one_template_may_give_all_arguments(project):
    task = project.task('- copy: "{{ arguments }}"')
    assert task.args == {"_args_template": Template("{{ arguments }}")}


def test_args_may_be_a_template_with_some_beside_it(project):
    task = project.task('- copy: {dest: /b}\n  args: "{{ more }}"')
    assert task.args == {"_args_template": Template("{{ more }}"), "dest": "/b"}


@pytest.mark.parametrize("text", [
    '- command: "{{ cmd }}"', '- shell: "{{ a }} && {{ b }}"', '- include_tasks: "{{ f }}"',
])
def test_free_text_may_be_a_template(project, text):
    assert isinstance(project.task(text).args["_raw_params"], Template)


def test_a_free_text_template_gives_its_options(project):
    task = project.task("- shell: make {{ target }} chdir={{ dir }} creates=/x")
    assert task.args == {"_raw_params": Template("make {{ target }}"), "chdir": Template("{{ dir }}"), "creates": "/x"}


LOOPS = [
    ("loop", "loop: [1, 2]", "loop", [1, 2]),
    ("loop template", 'loop: "{{ xs }}"', "loop", Template("{{ xs }}")),
    ("with_items", "with_items: [a]", "items", ["a"]),
    ("with_dict", "with_dict: {a: 1}", "dict", {"a": 1}),
    ("with_first_found", "with_first_found: [a, b]", "first_found", ["a", "b"]),
    ("with_sequence text", "with_sequence: start=1 end=3", "sequence", "start=1 end=3"),
    ("full name", "with_ansible.builtin.items: [a]", "items", ["a"]),
    ("nested", "with_nested: [[1], [2]]", "nested", [[1], [2]]),
]


@pytest.mark.parametrize(("line", "kind", "value"), [c[1:] for c in LOOPS], ids=[c[0] for c in LOOPS])
def test_loops(project, line, kind, value):
    loop = project.task(f"- ping:\n  {line}").loop
    assert (loop.kind, loop.value, loop.control.loop_var) == (kind, value, "item")


def test_loop_control(project):
    control = project.task("""
        - ping:
          loop: [1]
          loop_control: {loop_var: x, index_var: i, label: "{{ x }}", pause: 1.5, extended: "yes", break_when: x == 1}
    """).loop.control
    assert (control.loop_var, control.index_var, control.label, control.pause) == ("x", "i", Template("{{ x }}"), 1.5)
    assert control.extended is True
    assert [condition.expression for condition in control.break_when] == ["x == 1"]


KEYWORDS = [
    ("when text", "when: a is defined", "when", ["a is defined"]),
    ("when list", "when: [a, b]", "when", ["a", "b"]),
    ("when boolean", "when: false", "when", [False]),
    ("when number", "when: 1", "when", ["1"]),
    ("when empty", "when:", "when", []),
    ("until", "until: r.rc == 0", "until", ["r.rc == 0"]),
]


@pytest.mark.parametrize(("line", "field", "expected"), [c[1:] for c in KEYWORDS], ids=[c[0] for c in KEYWORDS])
def test_conditions(project, line, field, expected):
    task = project.task(f"- ping:\n  {line}")
    assert [condition.expression for condition in getattr(task, field)] == expected


def test_conditions_know_their_places(project):
    task = project.task("- ping:\n  when:\n    - a\n    - b == 1")
    assert [str(condition.origin) for condition in task.when] == ["site.yml:5:11", "site.yml:6:11"]


VALUES = [
    ("changed_when false", "changed_when: false", "changed_when", False),
    ("ignore_errors quoted", 'ignore_errors: "yes"', "ignore_errors", True),
    ("ignore_errors template", 'ignore_errors: "{{ x }}"', "ignore_errors", Template("{{ x }}")),
    ("retries text", 'retries: "3"', "retries", 3),
    ("delay", "delay: 0.5", "delay", 0.5),
    ("async", "async: 60", "async_s", 60),
    ("poll", "poll: 0", "poll", 0),
    ("register", "register: r", "register", "r"),
    ("throttle", "throttle: 2", "throttle", 2),
    ("timeout", "timeout: 9", "timeout", 9),
    ("no_log", "no_log: on", "no_log", True),
    ("check_mode", "check_mode: no", "check_mode", False),
    ("diff", "diff: yes", "diff", True),
    ("run_once", "run_once: true", "run_once", True),
    ("retry_safe", "retry_safe: true", "retry_safe", True),
    ("port", 'port: "22"', "port", 22),
    ("name number", "name: 5", "name", "5"),
    ("notify text", "notify: a, b", "notify", ("a, b",)),
    ("notify list", "notify: [a, b]", "notify", ("a", "b")),
    ("tags text", "tags: a, b", "tags", ("a", "b")),
    ("tags list", "tags: [a, 'b,c', 7]", "tags", ("a", "b", "c", "7")),
]


@pytest.mark.parametrize(("line", "field", "expected"), [c[1:] for c in VALUES], ids=[c[0] for c in VALUES])
def test_keyword_values(project, line, field, expected):
    value = getattr(project.task(f"- ping:\n  {line}"), field)
    if field == "changed_when":
        value = value[0].expression
    assert value == expected


def test_ids_follow_the_structure(project):
    play = project.tasks("""
        - ping:
        - block:
            - ping:
            - ping:
          rescue:
            - ping:
          always:
            - ping:
        - ping:
    """)
    assert [task.id for task in tasks(play)] == [
        "p0.t0", "p0.t1.b0", "p0.t1.b1", "p0.t1.rescue0", "p0.t1.always0", "p0.t2",
    ]


def test_tasks_know_their_places(project):
    play = project.tasks("- ping:\n- name: x\n  ping:")
    assert [str(task.origin) for task in tasks(play)] == ["site.yml:3:7", "site.yml:4:7"]


def test_a_collection_of_the_play_completes_a_bare_name(project):
    play = project.play("- hosts: all\n  collections: [ansible.posix]\n  tasks:\n  - ping:\n")
    assert tasks(play)[0].collections == ("ansible.posix",)
