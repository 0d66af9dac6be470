"""Whose failure ends what: forgiven hosts, includes that cannot be read, tasks done once for all, hosts out of reach.

The expectations were observed with ansible-core 2.19.
"""

from __future__ import annotations

import pytest

from tests.engine.harness import run_play

WAYS = {"ansible_connection": "{{ way | default('local') }}"}


@pytest.fixture
def play(tmp_path):
    def run(text, **options):
        return run_play(tmp_path, text, **options)

    return run


def test_clear_host_errors_in_an_always_lets_the_host_go_on(play):
    ran = play("""
        - hosts: all
          tasks:
            - block:
                - {name: bad, fail: {}}
              always:
                - meta: clear_host_errors
            - {name: after, debug: {msg: x}}
    """)
    assert ran.of("h1") == ["bad:failed", "after:ok"]
    assert ran.ended.exit_code == 0


def test_clear_host_errors_brings_failed_hosts_back_in_the_next_play(play):
    ran = play("""
        - hosts: all
          tasks:
            - {name: bad, fail: {}, when: inventory_hostname == 'h1'}
            - meta: clear_host_errors
            - {name: rest, debug: {msg: x}}
        - hosts: all
          tasks:
            - {name: next, debug: {msg: x}}
    """, hosts="h1,h2")
    assert ran.of("h1") == ["bad:failed", "next:ok"]
    assert ran.of("h2") == ["bad:skipped", "rest:ok", "next:ok"]
    assert ran.ended.exit_code == 0


@pytest.mark.parametrize("include", ["include_tasks: '{{ item }}.yml'", "include_role: {name: '{{ item }}'}"],
                         ids=["tasks", "role"])
def test_an_include_that_cannot_be_read_counts_once_for_each_file_though_rescued(play, include):
    ran = play(f"""
        - hosts: all
          tasks:
            - block:
                - {include}
                  loop: [nothere, neither]
              rescue:
                - {{name: saved, debug: {{msg: x}}}}
    """)
    assert ran.of("h1")[-1] == "saved:ok"
    assert ran.recap() == {"ok": 1, "failed": 2}
    assert ran.ended.exit_code == 0


def test_a_run_once_that_failed_has_failed_for_everybody(play):
    ran = play("""
        - hosts: all
          tasks:
            - {name: once, fail: {}, run_once: true}
            - {name: never, debug: {msg: x}}
    """, hosts="h1,h2")
    assert ran.of("h1") == ["once:failed"]
    assert ran.of("h2") == []
    assert ran.ended.exit_code == 2


def test_a_rescued_run_once_lets_the_others_go_on_without_the_rescue(play):
    ran = play("""
        - hosts: all
          tasks:
            - block:
                - {name: once, fail: {}, run_once: true}
              rescue:
                - {name: saved, debug: {msg: x}}
            - {name: after, debug: {msg: x}}
    """, hosts="h1,h2")
    assert ran.of("h1") == ["once:failed", "saved:ok", "after:ok"]
    assert ran.of("h2") == ["after:ok"]


def test_a_run_once_on_a_host_out_of_reach_ends_the_play_for_all(play, tmp_path):
    (tmp_path / "hosts.ini").write_text("dead way=ssh ansible_host=127.0.0.1 ansible_port=1\nh1\nh2\n")
    ran = play("""
        - hosts: all
          tasks:
            - {name: once, ping: {}, run_once: true}
            - {name: never, debug: {msg: x}}
    """, inventory=(str(tmp_path / "hosts.ini"),), extra_vars=WAYS)
    assert ran.recap("dead")["unreachable"] == 1
    assert ran.of("h1") == ran.of("h2") == []
    assert ran.ended.exit_code == 4


def test_any_errors_fatal_sends_every_host_into_the_rescue(play):
    ran = play("""
        - hosts: all
          any_errors_fatal: true
          tasks:
            - block:
                - {name: bad, fail: {}, when: inventory_hostname == 'h1'}
              rescue:
                - {name: saved, debug: {msg: x}}
            - {name: after, debug: {msg: x}}
            - {name: worse, fail: {}, when: inventory_hostname == 'h2'}
            - {name: never, debug: {msg: x}}
    """, hosts="h1,h2")
    assert ran.of("h1") == ["bad:failed", "saved:ok", "after:ok", "worse:skipped"]
    assert ran.of("h2") == ["bad:skipped", "saved:ok", "after:ok", "worse:failed"]


def test_a_rescued_host_does_not_count_against_max_fail_percentage(play):
    ran = play("""
        - hosts: all
          max_fail_percentage: 30
          tasks:
            - block:
                - {name: bad, fail: {}, when: inventory_hostname == 'h1'}
              rescue:
                - {name: saved, debug: {msg: x}}
            - {name: worse, fail: {}, when: inventory_hostname == 'h1'}
            - {name: never, debug: {msg: x}}
        - hosts: all
          tasks:
            - {name: next play, debug: {msg: x}}
    """, hosts="h1,h2,h3")
    assert ran.of("h1") == ["bad:failed", "saved:ok", "worse:failed"]
    assert ran.of("h2") == ["bad:skipped", "worse:skipped"]


def test_names_in_nested_rescues_are_those_of_the_last_failure(play):
    ran = play("""
        - hosts: all
          tasks:
            - block:
                - {name: one, fail: {msg: a}}
              rescue:
                - block:
                    - {name: two, fail: {msg: b}}
                  rescue:
                    - debug: {msg: "{{ ansible_failed_task.name }} {{ ansible_failed_result.msg }}"}
                - debug: {msg: "{{ ansible_failed_task.name }}"}
    """)
    assert ran.messages() == ["two b", "two"]


def test_hosts_that_failed_are_in_the_play_but_in_no_batch(play):
    ran = play("""
        - hosts: all
          tasks:
            - {fail: {}, when: inventory_hostname == 'h1'}
        - hosts: all
          tasks:
            - debug: {msg: "{{ ansible_play_hosts_all | length }} {{ ansible_play_batch | length }}"}
    """, hosts="h1,h2")
    assert ran.messages() == ["2 1"]


def test_a_failure_without_a_word_says_so(play):
    ran = play("""
        - hosts: all
          tasks:
            - {debug: {msg: ""}, failed_when: true}
    """)
    assert ran.results[0].message == "Unknown error."


def test_a_time_limit_is_told_in_words_and_by_the_test_timedout(play):
    ran = play("""
        - hosts: all
          tasks:
            - {command: sleep 30, timeout: 1, ignore_errors: true, register: out}
            - assert: {that: [out is timedout, out.timedout.period == 1]}
            - assert: {that: "out.msg == 'Task failed: Timed out after 1 second(s).'"}
            - {command: 'true', timeout: -1, ignore_errors: true, register: out}
            - assert: {that: [out is failed, out is not timedout, "'Timeout -1 is invalid' in out.msg"]}
            - {pause: {seconds: 30}, timeout: 1, ignore_errors: true, register: out}
            - assert: {that: [out is timedout]}
    """)
    assert ran.ended.exit_code == 0, ran.results[-1]


def test_a_host_out_of_reach_that_is_ignored_stays_in_the_play(play, tmp_path):
    (tmp_path / "hosts.ini").write_text("dead way=ssh ansible_host=127.0.0.1 ansible_port=1\n")
    ran = play("""
        - hosts: all
          tasks:
            - {ping: {}, ignore_unreachable: true, register: out}
            - assert: {that: [out is unreachable, out is not failed, out.failed is not defined]}
            - {ping: {}, ignore_unreachable: true, loop: [1, 2], register: out}
            - assert:
                that:
                  - out is unreachable and out is not failed and out is not skipped and out.failed is not defined
                  - out.msg == 'All items completed'
                  - out.results | select('unreachable') | reject('failed') | length == 2
            - {name: not ignored, ping: {}, ignore_errors: true}
            - {name: never, debug: {msg: x}}
    """, inventory=(str(tmp_path / "hosts.ini"),), extra_vars=WAYS)
    assert ran.recap("dead") == {"ok": 4, "ignored": 2, "unreachable": 1}


def test_each_item_of_a_loop_may_say_whether_an_unreachable_host_stays(play, tmp_path):
    (tmp_path / "hosts.ini").write_text("dead way=ssh ansible_host=127.0.0.1 ansible_port=1\n")
    ran = play("""
        - hosts: all
          tasks:
            - {ping: {}, ignore_unreachable: "{{ item }}", loop: [true, true], register: out}
            - {ping: {}, ignore_unreachable: "{{ item }}", loop: [false, true], register: out}
            - {name: never, debug: {msg: x}}
    """, inventory=(str(tmp_path / "hosts.ini"),), extra_vars=WAYS)
    assert ran.recap("dead") == {"ok": 1, "ignored": 1, "unreachable": 1}


def test_a_judgement_that_cannot_be_made_fails_the_task_and_keeps_what_the_module_said(play):
    ran = play("""
        - hosts: all
          tasks:
            - {command: echo told, failed_when: "nope", ignore_errors: true, register: out}
            - assert: {that: [out is failed, "out.stdout == 'told'", "'nope' in out.msg",
                              "'nope' in out.failed_when_result"]}
            - {command: "echo {{ item }}", loop: [1, 2], loop_control: {break_when: "nope"}, ignore_errors: true,
               register: out}
            - assert: {that: [out is failed, out.results | length == 1, "out.results[0].stdout == '1'"]}
    """)
    assert ran.ended.exit_code == 0, ran.results[-1]


@pytest.mark.parametrize("task", ["copy: {src: f, dest: /nowhere/f}", "template: {src: f, dest: /nowhere/f}",
                                  "script: f", "slurp: {src: /f}",
                                  "unarchive: {src: f, dest: /nowhere}", "uri: {url: 'http://127.0.0.1:1/'}"])
def test_a_host_that_cannot_be_reached_has_not_failed(tmp_path, task):
    """Whatever the task had to look up or send before."""
    ran = run_play(tmp_path, f"- hosts: all\n  tasks:\n    - {task}\n", hosts="127.0.0.9",
                   files={"files/f": "x", "templates/f": "x"},
                   extra_vars={"ansible_connection": "ssh", "ansible_port": 1})
    assert ran.recap("127.0.0.9") == {"unreachable": 1}, ran.results
