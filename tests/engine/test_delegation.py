"""delegate_to: what the task sees, whose facts are set, and what the rows say. Observed with ansible-core 2.19."""

from __future__ import annotations

import pytest

from tests.engine.harness import run_play

HOSTS = "h1 ansible_host=10.0.0.1\nh2 ansible_host=10.0.0.2 ansible_port=2222\nh3\n"


@pytest.fixture
def play(tmp_path):
    def run(text, **options):
        (tmp_path / "hosts.ini").write_text(HOSTS)
        return run_play(tmp_path, text, inventory=(str(tmp_path / "hosts.ini"),), **options)

    return run


def test_a_task_always_has_an_ansible_host_and_hostvars_only_what_was_set(play):
    ran = play("""
        - hosts: h3
          tasks:
            - debug: {msg: "{{ ansible_host }} {{ hostvars.h3.ansible_host | default('unset') }}"}
            - {debug: {msg: "{{ ansible_user }}"}, remote_user: bob}
            - debug: {msg: "{{ ansible_user | default('unset') }}"}
    """)
    assert ran.messages() == ["h3 unset", "bob", "unset"]


def test_connection_variables_are_the_delegates_where_the_host_sets_none(play):
    ran = play("""
        - hosts: h1,h3
          tasks:
            - debug: {msg: "{{ ansible_host }} {{ ansible_port | default('-') }} {{ inventory_hostname }}"}
              delegate_to: h2
            - debug: {msg: "{{ ansible_delegated_vars.h2.ansible_host }} {{ ansible_port | default('-') }}"}
              delegate_to: h2
              when: ansible_port is not defined
    """)
    assert ran.messages("h1") == ["10.0.0.1 2222 h1", "10.0.0.2 2222"]
    assert ran.messages("h3") == ["10.0.0.2 2222 h3", "10.0.0.2 2222"]


def test_each_item_of_a_loop_may_go_to_another_host_and_sets_its_facts_there(play):
    ran = play("""
        - hosts: h3
          tasks:
            - set_fact: {mine: "for {{ item }}"}
              delegate_to: "{{ item }}"
              delegate_facts: true
              loop: [h1, h2]
            - debug: {msg: "{{ [hostvars.h1.mine, hostvars.h2.mine, mine | default('none')] }}"}
    """)
    assert ran.messages() == [["for h1", "for h2", "none"]]


def test_without_delegate_facts_they_are_the_hosts_own(play):
    ran = play("""
        - hosts: h3
          tasks:
            - {set_fact: {mine: 1}, delegate_to: h1}
            - debug: {msg: "{{ [mine, hostvars.h1.mine | default('none')] }}"}
    """)
    assert ran.messages() == [[1, "none"]]


def test_a_row_names_the_delegate_unless_it_is_the_host_itself(play):
    ran = play("""
        - hosts: h1,h2
          tasks:
            - {debug: {msg: x}, delegate_to: h2}
    """)
    assert [r.delegated_to for r in ran.results] == ["h2", None]


def test_the_delegates_variables_name_who_delegates_and_always_say_where_it_is(play):
    ran = play("""
        - hosts: h1
          tasks:
            - debug: {msg: "{{ ansible_delegated_vars.h3 | dict2items | selectattr('key', 'in', names) | list }}"}
              delegate_to: h3
              vars: {names: [inventory_hostname]}
            - debug: {msg: "{{ [there.inventory_hostname, there.ansible_host] }}"}
              vars: {there: "{{ ansible_delegated_vars.h3 }}"}
              delegate_to: h3
    """)
    assert ran.messages() == [[{"key": "inventory_hostname", "value": "h1"}], ["h1", "h3"]]
