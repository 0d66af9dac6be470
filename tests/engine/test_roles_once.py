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
