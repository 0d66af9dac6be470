"""When a role counts as run on a host, and what include_role leaves behind. Observed with ansible-core 2.19."""

from __future__ import annotations

import pytest

from tests.engine.harness import run_play

ROLE = {
    "roles/a/tasks/main.yml": "- debug: {msg: '{{ word }}'}\n", "roles/a/defaults/main.yml": "word: a\n",
    "roles/turn/tasks/main.yml": "- set_fact: {turned: true}\n",
    "roles/once/tasks/main.yml": "- {debug: {msg: once}, run_once: true}\n",
}


@pytest.fixture
def play(tmp_path):
    def run(text, **options):
        return run_play(tmp_path, text, files=ROLE, **options)

    return run


def test_a_role_that_was_skipped_has_not_run_yet(play):
    ran = play("""
        - hosts: all
          roles:
            - {role: a, when: turned is defined}
            - turn
            - {role: a, when: turned is defined}
            - {role: a, when: turned is defined}
    """)
    assert ran.messages() == [None, "a"]


def test_a_role_done_by_one_host_for_all_has_run_on_that_host_alone(play):
    ran = play("""
        - {hosts: all, roles: [once, once, once]}
    """, hosts="h1,h2")
    assert [r.host for r in ran.results] == ["h1", "h2"]


def test_include_role_shows_its_defaults_to_the_play_only_when_public(play):
    ran = play("""
        - hosts: all
          tasks:
            - include_role: {name: a}
            - debug: {msg: "{{ word | default('unseen') }}"}
            - include_role: {name: a, public: true}
            - debug: {msg: "{{ word | default('unseen') }}"}
    """)
    assert ran.messages() == ["a", "unseen", "a", "a"]


def test_role_name_is_a_variable_like_others_outside_of_roles(play):
    ran = play("""
        - hosts: all
          vars: {role_name: a}
          tasks:
            - include_role: {name: "{{ role_name }}"}
            - debug: {msg: "{{ role_name }}"}
    """)
    assert ran.messages() == ["a", "a"]


def test_a_nameless_include_role_is_called_after_its_role(play):
    ran = play("""
        - hosts: all
          vars: {which: a}
          tasks: [{include_role: {name: "{{ which }}"}}]
    """)
    assert ran.started[0] == "include_role : a"


def test_free_hosts_that_include_at_the_same_time_each_get_their_tasks(play):
    """Found by a race: hosts overwrote each other's includes between storing and going on."""
    hosts = ",".join(f"h{n}" for n in range(20))
    ran = play("""
        - hosts: all
          strategy: free
          tasks:
            - include_role: {name: turn}
            - {name: missed, fail: {}, when: turned is not defined}
    """, hosts=hosts)
    assert ran.ended.exit_code == 0
    assert sum(r.module == "set_fact" for r in ran.results) == 20


def test_a_role_that_was_ended_early_has_run(tmp_path):
    ran = run_play(tmp_path, """
        - hosts: all
          tasks:
            - {import_role: {name: ended}}
            - {include_role: {name: ended, allow_duplicates: false}}
    """, files={"roles/ended/tasks/main.yml": "- debug: {msg: ran}\n- meta: end_role\n- debug: {msg: never}\n"})
    assert ran.messages() == ["ran"]


def test_vars_given_where_a_role_is_used_are_its_own_tasks_alone(tmp_path):
    ran = run_play(tmp_path, """
        - hosts: all
          pre_tasks: [{debug: {msg: "{{ [both, given | default('unseen')] }}"}}]
          roles: [{role: r, vars: {both: given, given: given}}]
          tasks: [{debug: {msg: "{{ [both, given | default('unseen')] }}"}}]
    """, files={"roles/r/tasks/main.yml": "- debug: {msg: '{{ [both, given] }}'}\n",
                "roles/r/vars/main.yml": "both: role's\n"})
    assert ran.messages() == [["role's", "unseen"], ["given", "given"], ["role's", "unseen"]]


@pytest.mark.parametrize(("setting", "seen"), [
    ("", ["seen", "unseen"]), ("0", ["seen", "seen"]), ("1", ["unseen", "unseen"]),
])
def test_whether_roles_keep_their_vars_to_themselves(tmp_path, setting, seen):
    files = {"roles/r/tasks/main.yml": "- ping:\n", "roles/r/vars/main.yml": "word: seen\n"}
    told = run_play(tmp_path, "\n".join(f"""
        - hosts: all
          tasks:
            - {role}
            - debug: {{msg: "{{{{ word | default('unseen') }}}}"}}
    """ for role in ("import_role: {name: r}", "include_role: {name: r}", "import_role: {name: r, public: true}",
                     "include_role: {name: r, public: true}")), files=files,
                    environ={"ANSIBLE_PRIVATE_ROLE_VARS": setting}).messages()
    assert told == [*seen, "seen", "seen"]


def test_what_the_setting_is_can_be_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("ANSIBLE_PRIVATE_ROLE_VARS", "yes")
    asked = "{{ lookup('config', 'DEFAULT_PRIVATE_ROLE_VARS') }}"
    ran = run_play(tmp_path, f"[{{hosts: all, tasks: [{{debug: {{msg: \"{asked}\"}}}}]}}]")
    assert ran.messages() == [True]


def test_a_role_that_no_role_asked_for_has_no_parents(tmp_path):
    files = {"roles/a/tasks/main.yml": "- debug: {msg: '{{ ansible_parent_role_names | default(role_names) }}'}\n"
                                       "- include_role: {name: b}\n",
             "roles/b/tasks/main.yml": "- debug: {msg: '{{ ansible_parent_role_names }}'}\n",
             "roles/a/meta/main.yml": "dependencies: [c]\n", "roles/c/tasks/main.yml": "- ping:\n"}
    assert run_play(tmp_path, "- {hosts: all, roles: [a]}", files=files).messages() == [["a"], ["a"]]
