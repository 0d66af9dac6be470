"""Tasks whose author expects them to fail, modules named by templates, text not to be trusted, odd loops."""

from __future__ import annotations

import pytest

from tests.engine.harness import run_play


@pytest.fixture
def play(tmp_path):
    def run(text, **options):
        return run_play(tmp_path, text, **options)

    return run


FAULTS = [
    ("unknown filter", "debug: {msg: '{{ 1 | nofilter }}'}", "nofilter"),
    ("free text", "file: path=/tmp/x free text", "free text"),
    ("unknown argument", "command: {cmd: 'true', colour: red}", "colour"),
    ("broken condition", "debug: {msg: x}\n              when: 'a in {{ b }}'", "expected token"),
    ("no boolean", "debug: {msg: x}\n              diff: perhaps", "could not be converted to 'bool'"),
]


@pytest.mark.parametrize(("task", "said"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_fault_under_ignore_errors_fails_its_task_and_the_play_goes_on(play, task, said):
    ran = play(f"""
        - hosts: all
          tasks:
            - {task}
              ignore_errors: true
              register: out
            - assert: {{that: [out is failed]}}
    """)
    assert ran.ended.exit_code == 0, ran.results[-1]
    assert said in ran.results[0].message


@pytest.mark.parametrize("task", [f[1] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_without_ignore_errors_no_host_is_touched(play, task):
    with pytest.raises(AssertionError):  # what the harness makes of faults
        play(f"""
        - hosts: all
          tasks:
            - {task}
        """)


def test_a_template_may_name_the_module(play):
    ran = play("""
        - hosts: all
          vars: {which: debug, shown: shell, told: told}
          tasks:
            - action: "{{ which }} msg='{{ told }} twice'"
            - {action: {module: "{{ which }}", msg: "{{ told }}"}}
            - {action: "{{ shown }} echo a=b c", register: out}
            - debug: {msg: "{{ out.stdout }}"}
            - {action: "{{ nope }} x=y", when: false}
            - {action: "{{ 'debgu' }} msg=x", ignore_errors: true, register: out}
            - debug: {msg: "{{ out.msg }} {{ out.hint }}"}
    """)
    assert [r.values.get("msg") for r in ran.results[:2]] == ["told twice", "told"]
    assert ran.messages() == ["a=b c", "couldn't resolve module/action 'debgu' did you mean debug?"]


def test_set_fact_renders_the_names_of_its_facts(play):
    ran = play("""
        - hosts: all
          tasks:
            - set_fact: {"{{ inventory_hostname }}_size": 5}
            - debug: {msg: "{{ h1_size }}"}
    """)
    assert ran.messages() == [5]


def test_assert_takes_expressions_from_the_playbooks_own_variables(play):
    ran = play("""
        - hosts: all
          vars: {rules: ["1 == 1", "{{ 2 == 2 }}"], broken: ["1 == 2"]}
          tasks:
            - assert: {that: "{{ rules }}"}
            - {assert: {that: "{{ broken }}"}, ignore_errors: true, register: out}
            - assert: {that: [out is failed, "out.assertion == '1 == 2'"]}
    """)
    assert ran.ended.exit_code == 0, ran.results[-1]


def test_an_expression_of_the_playbook_stays_one_through_loops_and_registered_results(play):
    ran = play("""
        - hosts: all
          vars: {kept: {rule: 2 == 2}}
          tasks:
            - {assert: {that: "{{ item.rule }}"}, loop: [{rule: 1 == 1}, "{{ kept }}"], register: out}
            - {assert: {that: "{{ item.item.rule }}"}, loop: "{{ out.results }}"}
            - {assert: {that: "{{ item }}"}, loop: [1 == 1, 1 == 2], ignore_errors: true, register: out}
            - {debug: {msg: "{{ out.results | map(attribute='msg') }}"}, when: "{{ kept.rule }}"}
            - {assert: "{{ item }}", loop: [{that: "1 == 2"}], ignore_errors: true, register: out}
            - debug: {msg: "{{ out.results[0].assertion }}"}
    """)
    assert ran.ended.exit_code == 0, ran.results[-1]
    assert ran.messages() == [["All assertions passed", "Assertion failed"], "1 == 2"]


def test_a_condition_within_braces_is_told_as_deprecated(play):
    ran = play("""
        - hosts: all
          tasks:
            - {assert: {that: ["{{ true }}", "{{ rule }}"]}, vars: {rule: 1 == 1}, register: out}
            - debug: {msg: "{{ out.deprecations | map(attribute='msg') }}"}
    """)
    assert len(ran.messages()[0]) == 1 and "surrounded by templating delimiters" in ran.messages()[0][0]


@pytest.mark.parametrize("that", ["{{ said.stdout }}", "{{ said.stdout_lines }}", "{{ kept }}", "{{ [said.stdout] }}"])
def test_assert_never_evaluates_what_a_host_said(play, that):
    ran = play(f"""
        - hosts: all
          tasks:
            - {{command: echo 1 == 1, register: said}}
            - set_fact: {{kept: "{{{{ said.stdout_lines }}}}"}}
            - {{assert: {{that: "{that}"}}, ignore_errors: true, register: out}}
            - debug: {{msg: "{{{{ out.msg }}}}"}}
    """)
    assert ran.messages()[0].startswith("Task failed: Encountered untrusted template or expression.")


def test_text_marked_unsafe_is_neither_a_condition_nor_a_name(play):
    ran = play("""
        - hosts: all
          vars: {x: 1}
          tasks:
            - {debug: {msg: x}, when: !unsafe 1 == 1, ignore_errors: true, register: a}
            - {debug: {var: !unsafe x}, ignore_errors: true, register: b}
            - assert: {that: [a is failed, b is failed, "'untrusted' in a.msg", "'untrusted' in b.msg"]}
    """)
    assert ran.ended.exit_code == 0, ran.results[-1]


def test_debug_of_an_undefined_variable_says_which(play):
    ran = play("""
        - hosts: all
          tasks: [{debug: {var: nothing}}]
    """)
    assert ran.results[0].values["nothing"] == "<< error 1 - 'nothing' is undefined >>"
    assert "nothing" in ran.results[0].warnings[0]


def test_an_omitted_environment_is_left_out(play):
    ran = play("""
        - hosts: all
          tasks:
            - shell: echo "$A,$B,$C"
              environment: [{A: "{{ omit }}", B: b}, "{{ omit }}", {C: c}]
              register: out
            - debug: {msg: "{{ out.stdout }}"}
    """)
    assert ran.messages() == [",b,c"]


@pytest.mark.parametrize(("loop", "items"), [
    ("with_items: '{{ d }}'", [{"a": 1}]), ("with_list: '{{ d }}'", [{"a": 1}]),
    ("with_indexed_items: '{{ d }}'", [[0, {"a": 1}]]), ("with_together: ['{{ d }}', [x]]", [["a", "x"]]),
], ids=["items", "list", "indexed", "together"])
def test_a_mapping_in_an_old_loop_is_one_item_unless_it_is_put_together(play, loop, items):
    ran = play(f"""
        - hosts: all
          vars: {{d: {{a: 1}}}}
          tasks:
            - debug: {{msg: "{{{{ item }}}}"}}
              {loop}
              register: out
            - debug: {{msg: "{{{{ out.results | map(attribute='msg') | list }}}}"}}
    """)
    assert ran.messages()[-1] == items


def test_a_failed_value_has_an_exception_as_playbooks_test_for_it(play):
    ran = play("""
        - hosts: all
          tasks:
            - {command: 'false', ignore_errors: true, register: a}
            - {command: 'false', failed_when: false, register: b}
            - {command: 'true', register: c}
            - assert: {that: [a.exception is defined, b.exception is undefined, c.exception is undefined,
                              b.failed_when_suppressed_exception is defined]}
    """)
    assert ran.ended.exit_code == 0, ran.results[-1]
    assert "exception" not in ran.results[0].values


def test_hosts_added_twice_in_a_loop_change_something_once(play):
    ran = play("""
        - hosts: all
          tasks:
            - {add_host: {name: "{{ item }}", groups: new}, loop: [x, y, x], register: out}
            - debug: {msg: "{{ out.results | map(attribute='changed') | list }} {{ groups.new }}"}
    """)
    assert ran.messages() == ["[True, True, False] ['x', 'y']"]


def test_include_vars_merges_all_the_way_down_when_asked(play):
    ran = play("""
        - hosts: all
          vars: {tree: {a: {x: 1}, b: 1}}
          tasks:
            - include_vars: {file: more.yml, hash_behaviour: merge}
            - debug: {msg: "{{ tree }}"}
    """, files={"more.yml": "tree: {a: {y: 2}}\n"})
    assert ran.messages() == [{"a": {"x": 1, "y": 2}, "b": 1}]


def test_a_handler_includes_tasks_of_its_role(play):
    ran = play("""
        - {hosts: all, roles: [r]}
    """, files={
        "roles/r/tasks/main.yml": "- {debug: {msg: x}, changed_when: true, notify: h}\n",
        "roles/r/tasks/tidy.yml": "- debug: {msg: tidied}\n",
        "roles/r/handlers/main.yml": "- {name: h, include_tasks: tidy.yml}\n",
    })
    assert ran.messages() == ["x", "tidied"]


WORDS = [
    ("missing", "stat: {}", "missing required arguments: path"),
    ("nothing to run", "shell: {chdir: /}", "one of the following is required: _raw_params, cmd"),
    ("two commands", "command: {argv: [ls], cmd: ls}", "parameters are mutually exclusive: _raw_params|cmd|argv"),
    ("not the shell's", "shell: {cmd: ls, expand_argument_vars: false}",
     "Unsupported parameters for (shell) module: expand_argument_vars"),
    ("template", "template: {dest: /tmp/x}", "src and dest are required"),
    ("copy of nothing", "copy: {dest: /tmp/x}", "src (or content) is required"),
    ("copy to nowhere", "copy: {content: x}", "dest is required"),
    ("no path", "fetch: {src: [a], dest: /tmp/x}", "Invalid type supplied for source option, it must be a string"),
    ("no time", "pause: {seconds: hello}",
     "argument 'seconds' is of type str and we were unable to convert to int: 'hello' is not a number"),
    ("the controller's", "wait_for_connection: {foo: 1, bar: 2}", "Invalid options for wait_for_connection: bar,foo"),
]


@pytest.mark.parametrize(("task", "message"), [w[1:] for w in WORDS], ids=[w[0] for w in WORDS])
def test_an_expected_fault_is_registered_in_the_modules_words(play, task, message):
    ran = play(f"""
        - hosts: all
          tasks:
            - {task}
              ignore_errors: true
    """)
    assert ran.results[0].values["msg"] == message
