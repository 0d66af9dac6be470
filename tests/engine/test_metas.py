"""meta tasks, where a run begins, prompts nobody answers, throttle. Observed with ansible-core 2.19."""

from __future__ import annotations

import pytest

from orchestrator.events import TaskStarted
from tests.engine.harness import run_play

ROLE = {
    "roles/r/tasks/main.yml": """
        - {name: r one, debug: {msg: x}}
        - {meta: end_role, when: inventory_hostname == 'h1'}
        - include_tasks: more.yml
        - {name: r two, debug: {msg: x}}
    """,
    "roles/r/tasks/more.yml": "- {name: inc one, debug: {msg: x}}\n- {name: inc two, debug: {msg: x}}\n",
}


@pytest.fixture
def play(tmp_path):
    def run(text, **options):
        return run_play(tmp_path, text, files=ROLE, **options)

    return run


def names(ran, host):
    return [r.task_name for r in ran.results if r.host == host and r.status != "skipped" and r.module == "debug"]


def test_end_host_ends_the_play_for_the_hosts_it_holds_for(play):
    ran = play("""
        - hosts: all
          tasks:
            - {meta: end_host, when: inventory_hostname == 'h1'}
            - {name: goes on, debug: {msg: x}}
        - {hosts: all, tasks: [{name: next, debug: {msg: x}}]}
    """, hosts="h1,h2")
    assert (names(ran, "h1"), names(ran, "h2")) == (["next"], ["goes on", "next"])


@pytest.mark.parametrize(("word", "told"), [("end_batch", ["h1", "h2", "h3"]), ("end_play", ["h1"])])
def test_what_ends_a_batch_and_what_all_of_them(play, word, told):
    ran = play(f"""
        - hosts: all
          serial: 1
          tasks:
            - {{name: told, debug: {{msg: x}}}}
            - meta: {word}
            - {{name: never, debug: {{msg: x}}}}
    """, hosts="h1,h2,h3")
    assert [r.host for r in ran.results if r.task_name == "told"] == told
    assert "never" not in ran.started


def test_end_role_leaves_the_role_alone(play):
    ran = play("""
        - hosts: all
          tasks: [{include_role: {name: r}}, {name: after, debug: {msg: x}}]
    """, hosts="h1,h2")
    assert names(ran, "h1") == ["r one", "after"]
    assert names(ran, "h2") == ["r one", "inc one", "inc two", "r two", "after"]


def test_clear_facts_forgets_facts_and_not_variables(play):
    ran = play("""
        - hosts: all
          tasks:
            - set_fact: {kept: 1, cacheable: true}
            - meta: clear_facts
            - meta: refresh_inventory
            - debug: {msg: "{{ kept is defined }} {{ ansible_facts }}"}
    """)
    assert ran.messages() == ["True {}"]


@pytest.mark.parametrize(("start", "first"), [("r two", "r two"), ("r *", "r one"), ("after", "after")])
def test_start_at_task_finds_tasks_of_roles(play, start, first):
    ran = play("""
        - {hosts: all, tasks: [{name: before, debug: {msg: x}}]}
        - {hosts: all, roles: [r], tasks: [{name: after, debug: {msg: x}}]}
    """, hosts="h2", start_at_task=start)
    assert names(ran, "h2")[0] == first


@pytest.mark.parametrize("start", ["ns.coll.r : two", "r : two"])
def test_tasks_of_a_collection_s_role_bear_its_full_name(tmp_path, start):
    place = "collections/ansible_collections/ns/coll/roles/r"
    files = {
        f"{place}/tasks/main.yml": "- {name: one, debug: {msg: x}}\n- {name: two, command: 'true', notify: h}\n",
        f"{place}/handlers/main.yml": "- {name: h, debug: {msg: x}}\n",
    }
    ran = run_play(tmp_path, "- {hosts: all, roles: [ns.coll.r]}", files=files, start_at_task=start)
    assert [(r.role, r.task_name) for r in ran.results if r.task_name] == [("ns.coll.r", "two"), ("ns.coll.r", "h")]
    started = [e for e in ran.events if isinstance(e, TaskStarted)]
    assert [e.role for e in started] == ["ns.coll.r", "ns.coll.r"]


def test_prompts_that_nobody_can_answer_take_their_defaults_and_say_so(play):
    ran = play("""
        - hosts: all
          vars_prompt: [{name: a, prompt: A, default: x}, {name: b, prompt: B, default: y}]
          tasks: [{debug: {msg: "{{ a }} {{ b }}"}}]
    """, extra_vars={"b": "given"})
    assert ran.messages() == ["x given"]
    assert [n for n in ran.notices if "'a'" in n and "not interactive" in n]


def test_throttle_lets_so_many_hosts_at_a_task_at_once(play, tmp_path):
    log = tmp_path / "log"
    ran = play(f"""
        - hosts: all
          vars: {{width: 1}}
          tasks:
            - {{shell: "echo s >> {log}; sleep 0.1; echo e >> {log}", throttle: "{{{{ width }}}}"}}
    """, hosts="h1,h2,h3")
    assert ran.ended.exit_code == 0
    assert "".join(log.read_text().split()) == "sesese"


def test_start_at_task_gathers_facts_in_the_play_that_has_it(play):
    ran = play("""
        - {hosts: all, gather_facts: true, tasks: [{name: before, debug: {msg: x}}]}
        - {hosts: all, gather_facts: true, tasks: [{name: after, debug: {msg: x}}]}
    """, hosts="h2", start_at_task="after")
    assert ran.of("h2") == ["Gathering Facts:ok", "after:ok"]


def test_a_host_that_was_unreachable_goes_on_when_its_errors_are_cleared(tmp_path):
    (tmp_path / "hosts.ini").write_text("h1\ndead way=ssh ansible_host=127.0.0.1 ansible_port=1\n")
    ran = run_play(tmp_path, """
        - hosts: all
          tasks:
            - {name: lost, ping: {}}
            - meta: clear_host_errors
            - {name: back, debug: {msg: x}}
    """, inventory=(str(tmp_path / "hosts.ini"),), extra_vars={"ansible_connection": "{{ way | default('local') }}"})
    assert ran.of("h1") == ["lost:ok", "back:ok"]
    assert ran.of("dead") == ["lost:unreachable", "back:ok"]
