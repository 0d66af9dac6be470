"""What is wrong with a playbook: each fault where it stands, with what to do about it; all of them at once."""

from __future__ import annotations

import pytest

HEAD = "- hosts: all\n  tasks:\n"


def task(text):
    return HEAD + "".join(f"  {line}\n" for line in text.split("\n"))


def matching(errors, message):
    """The fault with this message; several may come of one mistake."""
    found = [error for error in errors if message in error.message]
    assert found, [f"{error.origin} {error.message}" for error in errors]
    return found[0]


TASKS = [
    # id, the text of the task list (its first line is line 3, its first column is 3), place, message, part of the hint
    ("unknown module", "- coppy: {src: a}", "3:5", "unknown module coppy", "did you mean copy?"),
    ("unknown module, full name", "- ansible.builtin.coppy: {}", "3:5", "unknown module ansible.builtin.coppy",
     "did you mean ansible.builtin.copy?"),
    ("module of another collection", "- community.general.copy: {}", "3:5", "unknown module community.general.copy",
     "did you mean ansible.builtin.copy?"),
    ("unknown module in action", "- action: coppy src=a", "3:13", "unknown module coppy", "did you mean copy?"),
    ("module that is not here", "- qqgluster: {}", "3:5", "unknown module qqgluster", None),
    ("module of a collection that is not here", "- community.docker.docker_swarm: {}", "3:5",
     "unknown module community.docker.docker_swarm", "a module of community.docker that is not here"),
    ("module like a keyword that is not here", "- xattr: {}\n  whne: x", "3:5", "unknown module xattr",
     "a module of community.general"),
    ("keyword alone", "- whne: x\n  name: y", "3:5", "'whne' is not a valid attribute for a Task",
     "did you mean when?"),
    ("no module", "- name: nothing", "3:5", "no module in this task", "a task needs a module"),
    ("unknown keyword", "- ping:\n  whne: x", "4:5", "'whne' is not a valid attribute for a Task",
     "did you mean when?"),
    ("keyword of a play", "- ping:\n  serial: 1", "4:5", "'serial' is not a valid attribute for a Task",
     "it may stand at: play"),
    ("keyword of former days", "- ping:\n  sudo: yes", "4:5", "'sudo' is not a valid attribute for a Task",
     "in its place there is become"),
    ("include is gone", "- include: x.yml", "3:5", "include is gone", "use include_tasks"),
    ("two modules", "- copy: {src: a, dest: /b}\n  file: {path: /x}", "4:5",
     "conflicting action statements: copy, file",
     "begin a new task"),
    ("action and module", "- action: ping\n  copy: {}", "4:5", "conflicting action statements: action, copy",
     "one module"),
    ("action without module", "- action: {src: a}", "3:13", "action names no module", "module: name"),
    ("local_action and delegate_to", "- local_action: ping\n  delegate_to: x", "4:5",
     "delegate_to cannot stand beside local_action", "localhost"),
    ("a text as task", "- just text", "3:5", "a task must be a mapping, not a text", "and the module below it"),
    ("a list as task", "- [ping]", "3:5", "a task must be a mapping, not a list", "module below it"),
    ("unknown argument", "- copy: {src: a, dest: /b, mdoe: '1'}", "3:30", "copy has no argument mdoe",
     "did you mean mode?"),
    ("unknown argument on its line", "- copy:\n    src: a\n    dest: /b\n    bakcup: yes", "6:7",
     "copy has no argument bakcup", "did you mean backup?"),
    ("unknown argument in text", "- file: path=/x staet=absent", "3:11", "file has no argument staet",
     "did you mean state?"),
    ("keyword too deep", "- file:\n    path: /x\n    notify: restart", "5:7", "file has no argument notify",
     "notify is a keyword of the task"),
    ("missing argument", "- copy: {src: a}", "3:5", "copy: the argument dest is required", None),
    ("wrong choice", "- file: {path: /x, state: abesnt}", "3:29",
     "file: value of state must be one of: absent, directory, file, hard, link, touch, got: abesnt",
     "Did you mean absent?"),
    ("wrong type", "- file: {path: /x, recurse: perhaps}", "3:31",
     "file: argument 'recurse' is of type str and we were unable to convert to bool", None),
    ("free text", "- file: just some words", "3:11", "file takes no free text: just some words", "name=value"),
    ("a list as arguments", "- copy: [a, b]", "3:11", "copy takes a mapping of arguments, not a list", "name: value"),
    ("args is a list", "- ping:\n  args: [a]", "4:11", "args must be a mapping, not a list", None),
    ("open quote", "- command: echo 'x", "3:14", "cannot split the arguments: ' is opened and never closed",
     "quote the whole"),
    ("bad boolean", "- ping:\n  become: perhaps", "4:13",
     "become must be a boolean: The value 'perhaps' could not be converted to 'bool'", "true or false"),
    ("bad number", "- ping:\n  retries: many", "4:14", "retries must be a number, not 'many'", None),
    ("bad integer", "- ping:\n  port: [22]", "4:11", "port must be a whole number, not a list", None),
    ("mapping as text", "- ping:\n  delegate_to: {a: b}", "4:18", "delegate_to must be a text, not a mapping",
     "quoted"),
    ("mapping in tags", "- ping:\n  tags: [a, {b: c}]", "4:15",
     "tags must be a text or a list of texts, not a mapping", "quoted"),
    ("vars is a list", "- ping:\n  vars: [a]", "4:11", "vars must be a mapping, not a list", "name: value"),
    ("name of a variable", "- ping:\n  vars: {a-b: 1}", "4:12", "'a-b' is not a valid variable name",
     "letters, digits"),
    ("environment is a text", "- ping:\n  environment: [A=b]", "4:19", "environment must be a mapping, not a text",
     None),
    ("condition is a mapping", "- ping:\n  when: {x: y}", "4:11", "when must be an expression, not a mapping",
     "no {{ }}"),
    ("condition does not parse", "- ping:\n  when: a ==", "4:11", "Syntax error in expression", None),
    ("condition in a list", "- ping:\n  when:\n  - a\n  - b and", "6:7", "Syntax error in expression", None),
    ("condition with braces inside", "- ping:\n  when: a == {{ b }}", "4:11", "Syntax error in expression",
     "leave out {{ }}"),
    ("template does not parse", "- debug: {msg: '{{ a + }}'}", "3:18", "Syntax error in template", None),
    ("template in a loop", "- ping:\n  loop: '{{ a }'", "4:11", "Syntax error in template", None),
    ("template in vars", "- ping:\n  vars: {a: '{% if %}'}", "4:15", "Syntax error in template", None),
    ("unknown filter", "- debug: {msg: '{{ a | no_such }}'}", "3:18", "no_such", None),
    ("register", "- ping:\n  register: a-b", "4:15", "register: 'a-b' is not a valid variable name", None),
    ("register template", "- ping:\n  register: '{{ a }}'", "4:15",
     "register: '{{ a }}' is not a valid variable name", None),
    ("loop and with_", "- ping:\n  loop: [1]\n  with_items: [2]", "5:5", "duplicate loop in task: with_items",
     "one loop"),
    ("two with_", "- ping:\n  with_items: [1]\n  with_dict: {}", "5:5", "duplicate loop in task: with_dict",
     "one loop"),
    ("loop over a text", "- ping:\n  loop: items", "4:11", "loop must be a list, not a text", '"{{ name }}"'),
    ("loop over a mapping", "- ping:\n  loop: {a: 1}", "4:11", "loop must be a list, not a mapping", "dict2items"),
    ("unknown with_", "- ping:\n  with_itmes: [1]", "4:5", "with_itmes is unknown: there is no lookup itmes",
     "did you mean with_items?"),
    ("loop_control", "- ping:\n  loop: [1]\n  loop_control: {lable: x}", "5:20",
     "'lable' is not a valid attribute for loop_control", "did you mean label?"),
    ("loop_var", "- ping:\n  loop: [1]\n  loop_control: {loop_var: a b}", "5:30", "loop_var: 'a b' is not a valid",
     None),
    ("meta", "- meta: flush_handler", "3:11", "invalid meta action requested: flush_handler",
     "did you mean flush_handlers?"),
    ("rescue without block", "- rescue: [{ping: }]", "3:5", "'rescue' keyword cannot be used without 'block'", None),
    ("always without block", "- name: x\n  always: []", "4:5", "'always' keyword cannot be used without 'block'", None),
    ("block of one task", "- block: {ping: }", "3:12", "block must be a list of tasks, not a mapping",
     "begin each task"),
    ("loop on a block", "- block: []\n  loop: [1]", "4:5", "'loop' is not a valid attribute for a Block", "task"),
    ("import without file", "- import_tasks:", "3:18", "No file specified for import_tasks", None),
    ("import of a missing file", "- import_tasks: no.yml", "3:19", "the file of tasks no.yml was not found",
     "searched: /"),
    ("import in a loop", "- import_tasks: site.yml\n  loop: [1]", "4:5",
     "You cannot use loops on 'import_tasks' statements.",
     "before there are items"),
    ("import with apply", "- import_tasks: {file: x.yml, apply: {}}", "3:33",
     "Invalid options for import_tasks: apply", None),
    ("import by a fact", "- import_tasks: '{{ os }}.yml'", "3:19",
     "the file of import_tasks must be known before any host",
     "use include_tasks"),
    ("import of itself", "- import_tasks: self.yml", "self.yml:1:17", "self.yml imports itself without end",
     "include_tasks"),
    ("missing role", "- import_role: {name: gone}", "3:25", "the role 'gone' was not found", "searched: /"),
    ("role without name", "- import_role: {tasks_from: x}", "3:18", "'name' is a required field for import_role.",
     None),
    ("include_tasks with become", "- include_tasks: x.yml\n  become: true", "4:5",
     "'become' is not a valid attribute for a TaskInclude", "below apply:"),
    ("include_role with notify", "- include_role: {name: x}\n  notify: h", "4:5",
     "'notify' is not a valid attribute for a IncludeRole", "below apply:"),
    ("option of include_role", "- include_role: {name: x, task_from: y}", "3:29",
     "Invalid options for include_role: task_from", "did you mean tasks_from?"),
    ("keyword in apply", "- include_tasks: {file: x, apply: {tgas: a}}", "3:38",
     "'tgas' is not a valid attribute for a Block",
     "did you mean tags?"),
    ("import_playbook in a play", "- import_playbook: x.yml", "3:5", "import_playbook stands at the top", None),
]


@pytest.mark.parametrize(("text", "place", "message", "hint"), [c[1:] for c in TASKS], ids=[c[0] for c in TASKS])
def test_faults_of_a_task(project, text, place, message, hint):
    project.write({"self.yml": "- import_tasks: self.yml"})
    first = matching(project.errors(task(text)), message)
    assert str(first.origin) == (place if place.startswith("self") else f"site.yml:{place}")
    assert message in first.message
    assert hint is None or hint in (first.hint or "")


PLAYS = [
    ("no hosts", "- tasks: []", "1:3", "the field 'hosts' is required but was not set", "hosts: all"),
    ("a task among plays", "- debug: {msg: x}", "1:3", "'debug' is not a valid attribute for a Play", None),
    ("empty hosts", "- hosts:\n  tasks: []", "1:3", "Hosts list cannot be empty", None),
    ("hosts is a mapping", "- hosts: {a: b}", "1:10", "hosts must be a pattern", "quoted"),
    ("unknown keyword", "- hosts: all\n  taks: []", "2:3", "'taks' is not a valid attribute for a Play",
     "did you mean tasks?"),
    ("keyword of a task", "- hosts: all\n  when: x", "2:3", "'when' is not a valid attribute for a Play",
     "it may stand at"),
    ("order", "- hosts: all\n  order: sortd", "2:10", "unknown order sortd", "did you mean sorted?"),
    ("strategy", "- hosts: all\n  strategy: fre", "2:13", "unknown strategy fre", "did you mean free?"),
    ("serial", "- hosts: all\n  serial: [1, many]", "2:15", "serial must be a number or a percentage, not 'many'",
     "30%"),
    ("gather_facts", "- hosts: all\n  gather_facts: smart", "2:17", "gather_facts must be a boolean", None),
    ("tasks is a mapping", "- hosts: all\n  tasks: {ping: }", "2:10", "tasks must be a list of tasks, not a mapping",
     "- "),
    ("roles is a mapping", "- hosts: all\n  roles: {a: b}", "2:10", "roles must be a list, not a mapping", None),
    ("missing role", "- hosts: all\n  roles:\n  - gone", "3:5", "the role 'gone' was not found", "searched: /"),
    ("missing role in a mapping", "- hosts: all\n  roles:\n  - {role: gone, tags: x}", "3:12",
     "the role 'gone' was not found", None),
    ("nearest role", "- hosts: all\n  roles: [ngnix]", "2:11", "the role 'ngnix' was not found", "did you mean nginx?"),
    ("role without name", "- hosts: all\n  roles:\n  - {tags: x}", "3:5", "the role has no name", "role: name"),
    ("role is a list", "- hosts: all\n  roles:\n  - [a]", "3:5", "a role must be a name or a mapping, not a list",
     None),
    ("role that is a boolean", "- hosts: all\n  roles: [no]", "2:11",
     "a role must be a name or a mapping, not a boolean",
     "quote it"),
    ("role that is a boolean in a mapping", "- hosts: all\n  roles: [{role: no}]", "2:18",
     "the name of a role must be a text, not a boolean", "quote it"),
    ("role by a fact", "- hosts: all\n  roles: ['{{ os }}']", "2:11", "the name of the role must be known before",
     None),
    ("role that is an option", "- hosts: all\n  roles: ['-x']", "2:11", "'-x' cannot be the name of a role", None),
    ("parameter", "- hosts: all\n  roles: [{role: nginx, a-b: 1}]", "2:25", "'a-b' is not a valid variable name", None),
    ("role depends on itself", "- hosts: all\n  roles: [loop_a]", "roles/loop_b/meta/main.yml:1:16",
     "a recursion loop was detected with the roles specified: loop_a → loop_b → loop_a", None),
    ("role imports itself", "- hosts: all\n  roles: [own]", "roles/own/tasks/main.yml:1:23",
     "the role own imports itself", None),
    ("vars is a list", "- hosts: all\n  vars: [a]", "2:9", "vars must be a mapping, not a list", None),
    ("missing vars file", "- hosts: all\n  vars_files: [no.yml]", "2:16", "vars_files: no.yml was not found",
     "searched"),
    ("all of several vars files", "- hosts: all\n  vars_files: [[a.yml, b.yml]]", "2:16", "a.yml nor b.yml was not",
     None),
    ("prompt", "- hosts: all\n  vars_prompt: [{name: a, promt: x}]", "2:27",
     "Invalid vars_prompt data structure, found unsupported key 'promt'", "did you mean prompt?"),
    ("prompt without name", "- hosts: all\n  vars_prompt: [{prompt: x}]", "2:17", "missing 'name' key", None),
    ("missing playbook", "- import_playbook: no.yml", "1:20", "the playbook no.yml was not found", "searched"),
    ("playbook imports itself", "- import_playbook: site.yml", "1:20", "site.yml imports itself without end", None),
    ("playbook with tasks", "- import_playbook: other.yml\n  tasks: []", "2:3",
     "'tasks' is not a valid attribute for a PlaybookInclude", None),
    ("a text as play", "- all", "1:3", "playbook entries must be either valid plays", None),
    ("a mapping as playbook", "hosts: all", "1:1", "a playbook must be a list of plays, got a mapping instead",
     "begin the play"),
    ("an empty playbook", "---\n", "1:1", "the playbook is empty", None),
    ("tasks file of a role is a mapping", "- hosts: all\n  roles: [mapped]", "roles/mapped/tasks/main.yml:1:1",
     "a file of tasks must hold a list, this holds a mapping", None),
    ("defaults are a list", "- hosts: all\n  roles: [listed]", "roles/listed/defaults/main.yml:1:1",
     "a file of variables must hold a mapping", None),
    ("dependencies are a text", "- hosts: all\n  roles: [texted]", "roles/texted/meta/main.yml:1:15",
     "dependencies must be a list, not a text", None),
    ("missing dependency", "- hosts: all\n  roles: [needy]", "roles/needy/meta/main.yml:1:16",
     "the role 'gone' was not found", None),
    ("yaml", "- hosts: all\n  tasks: [\n", "", "", None),
]

OTHERS = {
    "roles/nginx/tasks/main.yml": "", "roles/loop_a/meta/main.yml": "dependencies: [loop_b]",
    "roles/loop_b/meta/main.yml": "dependencies: [loop_a]", "roles/own/tasks/main.yml": "- import_role: {name: own}",
    "other.yml": "- hosts: all", "roles/mapped/tasks/main.yml": "ping:", "roles/listed/defaults/main.yml": "- a",
    "roles/texted/meta/main.yml": "dependencies: x", "roles/needy/meta/main.yml": "dependencies: [gone]",
}


@pytest.mark.parametrize(("text", "place", "message", "hint"), [c[1:] for c in PLAYS], ids=[c[0] for c in PLAYS])
def test_faults_of_a_play(project, text, place, message, hint):
    project.write(OTHERS)
    first = matching(project.errors(text + "\n"), message)
    assert str(first.origin).endswith(place) and (place.startswith("roles") or str(first.origin).startswith("site.yml"))
    assert message in first.message
    assert hint is None or hint in (first.hint or "")


def test_all_faults_are_told_at_once_in_the_order_of_their_places(project):
    project.write({"roles/r/tasks/main.yml": "- ping:\n  bogus: 1", "more.yml": "- file: {paht: /x}"})
    assert project.faults("""
        - hosts: all
          roles: [r, missing]
          tasks:
            - coppy: {src: a}
            - command: ls
              whne: x
            - debug: {msg: "{{ a | }}"}
            - import_tasks: more.yml
            - import_tasks: nowhere.yml
        - tasks: []
    """) == [
        "roles/r/tasks/main.yml:2:3 'bogus' is not a valid attribute for a Task",
        "site.yml:2:14 the role 'missing' was not found",
        "site.yml:4:7 unknown module coppy",
        "site.yml:6:7 'whne' is not a valid attribute for a Task",
        "site.yml:7:20 Syntax error in template: expected token 'name', got 'end of print statement'",
        "site.yml:9:21 the file of tasks nowhere.yml was not found",
        "site.yml:10:3 the field 'hosts' is required but was not set",
        "more.yml:1:10 file has no argument paht",
    ]


NOT_FAULTED = [
    ("templated value", "- file: {path: '{{ p }}', state: '{{ s }}', recurse: '{{ r }}'}"),
    ("templated arguments", "- file: '{{ all_of_them }}'"),
    ("arguments from module_defaults", "- block:\n  - file: {state: absent}\n  module_defaults: {file: {path: /x}}"),
    ("full name in module_defaults", "- file: {state: absent}\n  module_defaults: {ansible.builtin.file: {path: /x}}"),
    ("templated module_defaults", "- file: {state: absent}\n  module_defaults: '{{ d }}'"),
    ("a handler nobody has", "- ping:\n  notify: nobody"),
    ("a missing dynamic include", "- include_tasks: no.yml"),
    ("a missing dynamic role", "- include_role: {name: gone}"),
    ("a missing template", "- template: {src: no.j2, dest: /x}"),
    ("an undefined variable", "- debug: {msg: '{{ nobody_knows }}'}"),
    ("free variables of set_fact", "- set_fact: {anything: 1, else: 2}"),
    ("a rule that a default meets", "- systemd: {name: x}"),
    ("an alias", "- file: {dest: /x, state: absent}"),
    ("a boolean word", "- file: {path: /x, follow: 'yes'}"),
    ("an octal mode", "- file: {path: /x, mode: 0644}"),
]


@pytest.mark.parametrize("text", [c[1] for c in NOT_FAULTED], ids=[c[0] for c in NOT_FAULTED])
def test_what_only_a_run_can_tell_is_no_fault(project, text):
    assert project.faults(task(text)) == []


CAUTIONS = [
    ("- ping:\n  when: '{{ a }}'", "site.yml:4:11 when should not have {{ }} in it: {{ a }}"),
    ("- import_tasks: empty.yml\n  register: r", "site.yml:4:5 register has no effect on import_tasks"),
]


@pytest.mark.parametrize(("text", "expected"), CAUTIONS)
def test_what_works_but_should_change_is_a_caution(project, text, expected):
    project.write({"empty.yml": ""})
    assert project.faults(task(text)) == []
    assert [f"{caution.origin} {caution.message}" for caution in project.loader.cautions] == [expected]


def test_no_value_of_a_no_log_task_is_shown(project):
    errors = project.errors(task("- file: {path: /x, state: hunter2}\n  no_log: true\n- file: s3cret\n  no_log: true"))
    shown = " ".join(f"{error.message} {error.hint}" for error in errors)
    assert len(errors) >= 2 and "hunter2" not in shown and "s3cret" not in shown
