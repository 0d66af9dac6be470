"""async and poll, as a playbook sees them. Shapes of results were observed with ansible-core 2.19."""

from __future__ import annotations

import pytest

from orchestrator.events import TaskProgress
from tests.engine.harness import run_play


@pytest.fixture
def play(tmp_path):
    def run(text, **options):
        variables = {"ansible_async_dir": str(tmp_path / "jobs"), "here": str(tmp_path)}
        return run_play(tmp_path, text, extra_vars=variables, **options)

    return run


def polls(ran):
    """What displays were told of jobs: [(finished, failed)]."""
    found = [e.values for e in ran.events if isinstance(e, TaskProgress)]
    return [(v["finished"], v.get("failed", False)) for v in found if "async_job" in v]


def test_poll_0_begins_a_job_and_async_status_tells_of_it(play, tmp_path):
    ran = play("""
        - hosts: h1
          tasks:
            - {name: begin, shell: "sleep 1; echo out", async: 30, poll: 0, register: job}
            - debug: {msg: "{{ [job is changed, job.started, job is finished, job.results_file] }}"}
            - {name: wait, async_status: {jid: "{{ job.ansible_job_id }}"}, register: state, until: state is finished,
               retries: 30, delay: 0.2}
            - debug: {msg: "{{ [state.rc, state.stdout, state is changed, state.finished] }}"}
            - {name: clean, async_status: {jid: "{{ job.ansible_job_id }}", mode: cleanup}, register: gone}
            - {name: again, async_status: {jid: "{{ job.ansible_job_id }}"}, ignore_errors: true, register: none_left}
            - debug: {msg: "{{ [gone.erased == job.results_file, none_left.msg] }}"}
    """)
    first, second, third = ran.messages()
    assert first[:3] == [True, True, False] and first[3].startswith(str(tmp_path / "jobs"))
    assert second == [0, "out", True, True]
    assert third == [True, "could not find job"]


ENDS = [
    ("ok", "shell: 'sleep 0.5; echo out'", "changed", (True, False)),
    ("failed", "shell: 'exit 3'", "failed", (True, True)),
    ("too long", "{command: sleep 100, async: 1}", "failed", (True, True)),
]


@pytest.mark.parametrize(("task", "status", "last"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_poll_waits_for_the_job_and_leaves_nothing(play, tmp_path, task, status, last):
    task = task if task.startswith("{") else f"{{{task}, async: 30}}"
    ran = play(f"""
        - hosts: h1
          tasks:
            - {task[:-1]}, name: job, poll: 0.2, ignore_errors: true, register: out}}
            - debug: {{msg: "{{{{ [out.finished, out.msg | default('')] }}}}"}}
    """)
    assert ran.of("h1")[0] == f"job:{status}"
    assert polls(ran)[-1] == last
    assert ran.messages()[0][0] is True
    assert list((tmp_path / "jobs").iterdir()) == []


def test_each_item_is_a_job_and_a_second_loop_waits_for_all(play):
    ran = play("""
        - hosts: h1
          tasks:
            - {command: "echo {{ item }}", loop: [a, b], async: 30, poll: 0, register: jobs}
            - {async_status: {jid: "{{ item.ansible_job_id }}"}, loop: "{{ jobs.results }}", register: ends,
               until: ends.finished, retries: 30, delay: 0.2}
            - debug: {msg: "{{ ends.results | map(attribute='stdout') | list }}"}
    """)
    assert ran.messages() == [["a", "b"]]


def test_check_mode_predicts_in_the_background(play, tmp_path):
    ran = play("""
        - hosts: h1
          tasks:
            - {name: skips, command: "touch {{ here }}/made", async: 30, poll: 0.1, register: out}
            - {name: predicts, file: {path: "{{ here }}/made", state: touch}, async: 30, poll: 0.1}
            - {name: acts, command: "touch {{ here }}/acted", async: 30, poll: 0.1, check_mode: false}
            - debug: {msg: "{{ out.finished }}"}
    """, check=True)
    assert ran.of("h1")[:3] == ["skips:skipped", "predicts:changed", "acts:changed"]
    assert not (tmp_path / "made").exists() and (tmp_path / "acted").exists()
    assert ran.messages() == [True]


@pytest.mark.parametrize("task", ["debug: {msg: x}", "copy: {content: x, dest: /tmp/never}", "set_fact: {a: 1}"],
                         ids=["debug", "copy", "set_fact"])
def test_what_needs_the_controller_has_no_background(play, task):
    ran = play(f"""
        - hosts: h1
          tasks:
            - {{{task}, async: 5, poll: 0, ignore_errors: true, register: out}}
            - debug: {{msg: "{{{{ out.msg }}}}"}}
    """)
    action = task.partition(":")[0]
    assert ran.messages()[-1] == f"This action ({action}) does not support async."


def test_conditions_judge_the_result_of_the_job(play):
    ran = play("""
        - hosts: h1
          tasks:
            - {name: quiet, command: "true", async: 30, poll: 0.1, changed_when: false}
            - {name: wrong, command: echo bad, async: 30, poll: 0.1, register: r, failed_when: "'bad' in r.stdout",
               ignore_errors: true}
            - {name: waited, command: "true", async: 0, poll: 0, register: w}
            - debug: {msg: "{{ 'ansible_job_id' in w }}"}
    """)
    assert ran.of("h1")[:3] == ["quiet:ok", "wrong:failed", "waited:changed"]
    assert ran.messages() == [False]


def test_a_free_play_begins_jobs_and_goes_on(play):
    ran = play("""
        - hosts: h1,h2
          strategy: free
          tasks:
            - {command: "echo {{ inventory_hostname }}", async: 30, poll: 0, register: job}
            - {command: "true"}
            - {async_status: {jid: "{{ job.ansible_job_id }}"}, register: s, until: s is finished, retries: 30,
               delay: 0.2}
            - debug: {msg: "{{ s.stdout }}"}
    """, hosts="h1,h2")
    assert sorted(ran.messages()) == ["h1", "h2"]


def test_a_time_that_is_no_number_is_the_tasks_fault(play):
    ran = play("""
        - hosts: h1
          vars: {long: soon}
          tasks: [{command: "true", async: "{{ long }}", poll: 0, ignore_errors: true, register: out},
                  {debug: {msg: "{{ out.msg }}"}}]
    """)
    assert ran.messages() == ["async must be a number of seconds, not 'soon'"]
