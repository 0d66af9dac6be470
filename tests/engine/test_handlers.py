"""Which handlers answer to a name, and when: observed with ansible-core 2.19."""

from __future__ import annotations

import pytest

from tests.engine.harness import run_play


@pytest.fixture
def handled(tmp_path):
    """The messages of the handlers that ran, in order."""

    def run(text, **options):
        ran = run_play(tmp_path, text, **options)
        assert ran.ended.exit_code == 0, ran.results[-1]
        return ran.messages()

    return run


def test_of_a_plays_own_handlers_the_first_of_a_name_answers(handled):
    assert handled("""
        - hosts: all
          tasks: [{command: echo, notify: h}]
          handlers:
            - {name: h, debug: {msg: first}}
            - {name: h, debug: {msg: second}}
            - {name: other, debug: {msg: listening}, listen: h}
    """) == ["first", "listening"]


def test_a_plays_handler_wins_over_its_roles(handled):
    assert handled("""
        - hosts: all
          roles: [r]
          handlers: [{name: h, debug: {msg: the play's}}]
    """, files={"roles/r/tasks/main.yml": "- {command: echo, notify: h}\n",
                "roles/r/handlers/main.yml": "- {name: h, debug: {msg: the role's}}\n"}) == ["the play's"]


def test_a_role_used_often_has_its_handler_run_once_a_flush(handled):
    role = {"roles/r/tasks/main.yml": "- {command: echo, notify: [h, 'r : t']}\n",
            "roles/r/handlers/main.yml": "- {name: h, debug: {msg: ran}}\n"
                                         "- {name: l, debug: {msg: heard}, listen: t}\n"}
    assert handled("""
        - hosts: all
          tasks:
            - {include_role: {name: r}}
            - {include_role: {name: r}}
    """, files=role) == ["ran", "heard"]


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_handlers_that_went_to_the_host_together_do_not_run_at_the_next_flush(tmp_path, strategy):
    ran = run_play(tmp_path, f"""
        - hosts: all
          gather_facts: false
          strategy: {strategy}
          tasks: [{{command: echo, notify: topic}}]
          post_tasks: [{{command: echo}}]
          handlers: [{{name: one, ping: , listen: topic}}, {{name: two, ping: , listen: topic}}]
    """)
    assert [row.module for row in ran.results] == ["command", "ping", "ping", "command"]


def test_handlers_run_whatever_tags_were_chosen(handled):
    assert handled("""
        - hosts: all
          tasks: [{command: echo, notify: h, tags: chosen}]
          handlers:
            - {name: h, include_tasks: more.yml, tags: other}
    """, files={"more.yml": "- {debug: {msg: ran}}\n"}, tags=("chosen",)) == ["ran"]


def test_a_handler_notified_behind_its_turn_waits_for_the_next_flush(handled):
    assert handled("""
        - hosts: all
          tasks: [{command: echo, notify: late}]
          handlers:
            - {name: early, debug: {msg: early}}
            - {name: late, debug: {msg: late}, changed_when: true, notify: [early, later]}
            - {name: later, debug: {msg: later}}
    """) == ["late", "later", "early"]


def test_a_topic_is_taken_as_it_is_written(handled):
    assert handled("""
        - hosts: all
          vars: {topic: t}
          tasks: [{command: echo, notify: ["{{ topic }}", h]}]
          handlers:
            - {name: l, debug: {msg: rendered}, listen: "{{ topic }}"}
            - {name: h, debug: {msg: named}}
            - {name: k, debug: {msg: plain}, listen: t}
    """) == ["named", "plain"]
