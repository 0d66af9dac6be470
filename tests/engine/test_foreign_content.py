"""What playbooks that nobody here wrote rely on. Observed with ansible-core 2.19."""

from __future__ import annotations

import pytest

from orchestrator.engine.raw_become import _flags, complaint, unprompted
from tests.engine.harness import run_play


@pytest.fixture
def play(tmp_path):
    def run(text, **options):
        return run_play(tmp_path, text, extra_vars={"here": str(tmp_path)}, **options)

    return run


def test_an_item_sees_what_the_one_before_came_to(play):
    ran = play("""
        - hosts: h1
          tasks:
            - {command: "echo {{ item }}{{ r.stdout | default('') }}", loop: [1, 2, 3], register: r}
            - debug: {msg: "{{ r.results | map(attribute='stdout') | list }}"}
    """)
    assert ran.messages() == [["1", "21", "321"]]


def test_a_label_may_speak_of_its_items_result_and_fails_the_item_when_it_cannot(play):
    ran = play("""
        - hosts: h1
          tasks:
            - {command: "echo {{ item }}", loop: [a, b], register: r, when: item == 'a', ignore_errors: true,
               loop_control: {label: "{{ r.stdout }}"}}
            - debug: {msg: "{{ [r is failed, r.results[0].stdout, r.results[1].failed, r.results[1].msg] }}"}
    """)
    assert ran.messages()[0][:3] == [True, "a", True]
    assert "no attribute 'stdout'" in ran.messages()[0][3]


def test_registered_values_hold_no_notes_of_the_engine(play):
    ran = play("""
        - hosts: h1
          tasks:
            - {debug: {msg: "{{ item }}"}, loop: [1], register: looped}
            - {fail: {msg: x}, ignore_errors: true, register: failed}
            - {debug: {msg: x}, register: plain}
            - debug: {msg: "{{ looped.results[0] | list + failed | list + plain | list + looped | list }}"}
    """)
    names = ran.messages()[-1]
    assert "ansible_loop_var" in names and "failed" in names
    assert [n for n in names if n.startswith("_ansible") or n == "ignored"] == []


CONDITIONS = [
    ("a text", """ "'{{ name }}' == 'web'" """, True), ("a number stays one", """ '"{{ port }}" == 80' """, True),
    ("within a text", """ "'a-{{ name }}-b' == 'a-web-b'" """, True),
    ("both sides", """ "'{{ name }}' != '{{ name }}'" """, False),
    ("an expression", """ "'{{ port + 1 }}' == 81" """, True),
]


@pytest.mark.parametrize(("condition", "holds"), [row[1:] for row in CONDITIONS], ids=[row[0] for row in CONDITIONS])
def test_a_constant_of_a_condition_may_hold_templates(play, condition, holds):
    ran = play(f"""
        - hosts: h1
          vars: {{name: web, port: 80}}
          tasks:
            - {{name: judged, ping: {{}}, when: {condition.strip()}}}
            - {{name: asserted, assert: {{that: {condition.strip()}}}, ignore_errors: true}}
    """)
    assert ran.of("h1") == (["judged:ok", "asserted:ok"] if holds else ["judged:skipped", "asserted:failed"])


def test_what_a_host_says_is_no_template_even_in_such_a_constant(play):
    ran = play("""
        - hosts: h1
          tasks:
            - {command: "echo '{''{ 1 + 1 }''}'", register: said}
            - {name: asserted, assert: {that: "'{{ said.stdout }}' == '{' ~ '{ 1 + 1 }' ~ '}'"}}
    """)
    assert ran.of("h1")[-1] == "asserted:ok"


ARGUMENTS = [
    ("a text", "i am no mapping", "must resolve to a 'dict' not 'str'"),
    ("a list", "[1]", "must resolve to a 'dict' not 'list'"),
]


@pytest.mark.parametrize(("value", "said"), [row[1:] for row in ARGUMENTS], ids=[row[0] for row in ARGUMENTS])
def test_arguments_made_by_one_template_are_a_mapping(play, value, said):
    ran = play(f"""
        - hosts: h1
          vars: {{given: {value}}}
          tasks:
            - {{debug: null, args: "{{{{ given }}}}", ignore_errors: true, register: out}}
            - debug: {{msg: "{{{{ out.msg }}}}"}}
    """)
    assert said in ran.messages()[-1]


def test_a_constant_that_a_template_gives_names_no_variable(play):
    ran = play("""
        - hosts: h1
          vars: {one: 1, gone: "{{ omit }}"}
          tasks:
            - {debug: {var: "{{ 'one' }}"}, ignore_errors: true, register: out}
            - {debug: {var: "{{ item }}"}, loop: [one], register: named}
            - {debug: {var: gone}, register: gone_too}
            - debug: {msg: "{{ [out.msg, named.results[0].one, gone_too.gone] }}"}
    """)
    untrusted, one, gone = ran.messages()[-1]
    assert "untrusted template or expression" in untrusted and one == 1 and gone == "<<Omit>>"


@pytest.mark.parametrize("named", ["/bogus/path", "bogus_interpreter"])
def test_a_named_interpreter_that_is_not_there_fails_the_task(play, named):
    ran = play(f"""
        - hosts: h1
          tasks:
            - {{ping: {{}}, vars: {{ansible_python_interpreter: {named}}}, ignore_errors: true, register: out}}
            - debug: {{msg: "{{{{ [out is failed, out is unreachable, out.msg] }}}}"}}
    """)
    assert ran.messages() == [[True, False, f"The module interpreter '{named}' was not found."]]


def test_a_refreshed_inventory_is_read_again_and_keeps_what_tasks_have_added(tmp_path):
    hosts = tmp_path / "hosts.ini"
    hosts.write_text("h1 v=1\n[old]\nh1\n")
    ran = run_play(tmp_path, """
        - hosts: h1
          tasks:
            - {copy: {content: "h1 v=2\\nh2 v=3\\n[fresh]\\nh2\\n", dest: "{{ hosts }}"}}
            - {copy: {content: "w: 4\\n", dest: "{{ vars_file }}"}}
            - add_host: {name: h3, groups: added, u: 5}
            - {group_by: {key: by}}
            - debug: {msg: "{{ [v, groups.all, w | default('-')] }}"}
            - meta: refresh_inventory
            - debug: {msg: "{{ [v, groups.all | sort, w, 'old' in groups, groups.fresh, groups.added, groups.by] }}"}
            - debug: {msg: "{{ [hostvars.h2.v, hostvars.h3.u] }}"}
        - hosts: fresh
          tasks: [{debug: {msg: "new {{ v }}"}}]
    """, inventory=(str(hosts),), files={"group_vars/all.yml": "x: 1\n"},
                   extra_vars={"hosts": str(hosts), "vars_file": str(tmp_path / "group_vars" / "all.yml")})
    assert ran.messages() == [
        [1, ["h1", "h3"], "-"], [2, ["h1", "h2", "h3"], 4, False, ["h2"], ["h3"], ["h1"]], [3, 5], "new 3"]


def test_group_by_has_changed_something_where_the_group_gets_a_new_parent(play):
    ran = play("""
        - hosts: h1
          tasks:
            - {group_by: {key: g}, register: first}
            - {group_by: {key: g}, register: again}
            - {group_by: {key: g, parents: [above]}, register: placed}
            - {group_by: {key: g, parents: above}, register: again_placed}
            - debug: {msg: "{{ [first, again, placed, again_placed] | map(attribute='changed') }}"}
    """)
    assert ran.messages() == [[True, False, True, False]]


def test_a_list_that_is_undefined_where_the_task_is_skipped_leaves_no_results(play):
    ran = play("""
        - hosts: h1
          tasks:
            - {include_tasks: nosuch.yml, loop: "{{ nope }}", when: false, register: out}
            - {command: x, loop: "{{ nope }}", when: false, register: other}
            - debug: {msg: "{{ [out is skipped, out.results is defined, other is skipped, other.results is defined] }}"}
    """)
    assert ran.messages() == [[True, False, True, False]]


def test_a_play_without_a_name_goes_by_its_hosts(play):
    ran = play("""
        - {hosts: h1, tasks: [{debug: {msg: "{{ ansible_play_name }}"}}]}
        - {hosts: [h1, h2], tasks: [{debug: {msg: "{{ ansible_play_name }}"}}]}
        - {hosts: h1, name: named, tasks: [{debug: {msg: "{{ ansible_play_name }}"}}]}
    """)
    assert ran.messages() == ["h1", "h1,h2", "named"]


def test_a_share_of_failures_counts_where_they_happen(play):
    ran = play("""
        - hosts: all
          max_fail_percentage: 20
          tasks:
            - block: [{command: "{{ 'false' if inventory_hostname == 'h2' else 'true' }}"}]
              always: [{name: always, ping: {}}]
            - {name: after, ping: {}}
        - hosts: all
          tasks: [{name: second, ping: {}}]
    """, hosts="h1,h2,h3")
    assert ran.of("h1") == ["command:changed", "always:ok", "after:ok", "second:ok"]
    assert ran.of("h2") == ["command:failed", "always:ok"]


FLAGS = [
    ("none", None, ["-H"]), ("ours only", "-H -S -n", ["-H"]), ("in one word", "-HSn", ["-H"]),
    ("long", "--set-home --stdin --non-interactive", ["--set-home"]), ("with a value", "-u Sn", ["-u", "Sn"]),
    ("a value in the word", "-uSn", ["-uSn"]),
    ("foreign", "-H --intermediate-user x", ["-H", "--intermediate-user", "x"]),
]


@pytest.mark.parametrize(("given", "kept"), [row[1:] for row in FLAGS], ids=[row[0] for row in FLAGS])
def test_flags_that_say_how_to_ask_are_not_the_users(given, kept):
    assert _flags(given) == kept


COMPLAINTS = [
    ("wrong", b"x\n", "Sorry, try again.\nsudo: 1 incorrect password attempt\n", "Incorrect sudo password"),
    ("su", b"x\n", "su: Authentication failure\n", "Incorrect su password"),
    ("missing", b"", "sudo: a password is required\n", "Missing sudo password"),
    ("the command's own", b"x\n", "incorrect password attempt\n", None),
]


@pytest.mark.parametrize(("stdin", "stderr", "said"), [row[1:] for row in COMPLAINTS],
                         ids=[row[0] for row in COMPLAINTS])
def test_a_refused_password_is_told_as_such(stdin, stderr, said):
    assert complaint(stdin, stderr) == said


def test_the_question_is_no_output():
    assert unprompted("orch-password:real") == "real" and unprompted("real") == "real"


def test_mappings_are_merged_where_hash_behaviour_asks_for_it(tmp_path):
    play = """
        - hosts: all
          vars: {m: {play: p, deep: {b: "{{ word }}"}}, word: rendered}
          vars_files: [more.yml]
          roles: [{role: r, m: {param: q}}]
          tasks: [{debug: {msg: "{{ [m.keys() | sort, m.deep, plain] }}"}}]
    """
    files = {"vars/more.yml": "m: {file: f}\nplain: 2\n", "more.yml": "m: {wrong: place}\n",
             "group_vars/all.yml": "m: {group: g, deep: {a: 1}}\nplain: 1\n",
             "roles/r/defaults/main.yml": "m: {role: d}\n",
             "roles/r/tasks/main.yml": "- debug: {msg: '{{ m.keys() | sort }}'}\n"}
    extra = {"m": {"extra": "e"}}
    ran = run_play(tmp_path, play, files=files, environ={"ANSIBLE_HASH_BEHAVIOUR": "merge"}, extra_vars=extra)
    told = ["deep", "extra", "file", "group", "play", "role"]
    assert ran.messages() == [sorted([*told, "param"]), [told, {"a": 1, "b": "rendered"}, 2]]
    assert run_play(tmp_path, play.replace("m.deep", "1"), files=files, extra_vars=extra).messages()[0] == ["extra"]


def test_with_first_found_begins_where_the_action_has_its_files(tmp_path):
    files = {f"roles/r/{kind}/f.yml": f"v: {kind}\n" for kind in ("files", "vars", "templates")}
    ran = run_play(tmp_path, f"""
        - {{hosts: all, roles: [r], vars: {{out: {tmp_path}/out}}}}
    """, files={**files, "roles/r/tasks/main.yml": """
        - {include_vars: "{{ item }}", with_first_found: [f.yml]}
        - {template: {src: "{{ item }}", dest: "{{ out }}"}, with_first_found: [f.yml]}
        - {debug: {msg: "{{ [v, item | dirname | basename, lookup('file', out)] }}"}, with_first_found: [f.yml]}
    """})
    assert ran.results[-1].values["results"][0]["msg"] == ["vars", "files", "v: templates"]


def test_an_action_plugin_may_be_debug_by_another_name(tmp_path):
    ran = run_play(tmp_path, """
        - {hosts: all, vars: {v: told}, tasks: [{said: {var: v}, register: out}, {debug: {msg: "{{ out.v }}"}}]}
    """, files={"action_plugins/said.py": "from ansible.plugins.action.debug import ActionModule  # noqa: F401\n"})
    assert ran.messages() == ["told"]


def test_a_keyword_that_is_omitted_is_as_if_not_written(tmp_path):
    ran = run_play(tmp_path, f"""
        - hosts: all
          tasks:
            - copy: {{dest: {tmp_path}/made, content: x}}
              check_mode: "{{{{ omit }}}}"
              ignore_errors: "{{{{ omit }}}}"
              run_once: "{{{{ omit }}}}"
              no_log: "{{{{ omit }}}}"
    """, check=True)
    assert (ran.recap(), (tmp_path / "made").exists()) == ({"ok": 1, "changed": 1}, False)


def test_the_nearest_module_defaults_of_a_module_are_all_there_are(tmp_path):
    ran = run_play(tmp_path, """
        - hosts: all
          module_defaults: {debug: {msg: outer}}
          tasks:
            - debug:
            - {debug: , module_defaults: {debug: {}}}
    """)
    assert ran.messages() == ["outer", "Hello world!"]


def test_judgements_of_a_retried_task_may_ask_for_its_attempts(tmp_path):
    ran = run_play(tmp_path, """
        - hosts: all
          tasks:
            - {command: echo, until: false, retries: 2, delay: 0, failed_when: out.attempts > 5, register: out}
    """)
    assert ran.recap() == {"ok": 1, "changed": 1}
