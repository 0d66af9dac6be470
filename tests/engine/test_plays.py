"""What plays mean, run for real by the local carrier: order, failure, handlers, loops, includes, roles."""

from __future__ import annotations

import pytest

from orchestrator.errors import OrchError
from tests.engine.harness import run_play


@pytest.fixture
def play(tmp_path):
    def run(text, **options):
        return run_play(tmp_path, text, **options)

    return run


def test_hosts_go_in_step(play):
    ran = play("""
        - hosts: all
          tasks:
            - {name: one, debug: {msg: "{{ inventory_hostname }}"}}
            - {name: two, debug: {msg: x}}
    """, hosts="h1,h2,h3")
    assert ran.started == ["one", "two"]
    assert [r.host for r in ran.results] == ["h1", "h2", "h3"] * 2
    assert ran.ended.exit_code == 0


def test_a_failed_host_is_left_behind_and_the_exit_code_says_so(play):
    ran = play("""
        - hosts: all
          tasks:
            - {name: one, fail: {}, when: inventory_hostname == 'h2'}
            - {name: two, debug: {msg: x}}
        - hosts: all
          tasks:
            - {name: three, debug: {msg: x}}
    """, hosts="h1,h2")
    assert ran.of("h2") == ["one:failed"]
    assert ran.of("h1") == ["one:skipped", "two:ok", "three:ok"]
    assert ran.ended.exit_code == 2


def test_rescue_and_always(play):
    ran = play("""
        - hosts: all
          tasks:
            - block:
                - {name: bad, fail: {msg: boom}}
                - {name: never, debug: {msg: x}}
              rescue:
                - {name: saved, debug: {msg: "{{ ansible_failed_task.name }} said {{ ansible_failed_result.msg }}"}}
              always:
                - {name: tidy, debug: {msg: x}}
            - {name: after, debug: {msg: x}}
    """)
    assert ran.of("h1") == ["bad:failed", "saved:ok", "tidy:ok", "after:ok"]
    assert ran.messages()[0] == "bad said boom"
    assert ran.recap() == {"ok": 3, "rescued": 1}
    assert ran.ended.exit_code == 0


def test_handlers_run_once_in_their_own_order_after_the_tasks(play):
    ran = play("""
        - hosts: all
          tasks:
            - {name: a, debug: {msg: x}, changed_when: true, notify: [second, topic]}
            - {name: b, debug: {msg: x}, changed_when: true, notify: second}
            - {name: c, debug: {msg: x}, notify: never}
          handlers:
            - {name: first, debug: {msg: x}, listen: topic}
            - {name: second, debug: {msg: x}}
            - {name: never, debug: {msg: x}}
    """)
    assert ran.of("h1") == ["a:changed", "b:changed", "c:ok", "first:ok", "second:ok"]


def test_flush_handlers_runs_them_now_and_they_may_come_again(play):
    ran = play("""
        - hosts: all
          tasks:
            - {name: a, debug: {msg: x}, changed_when: true, notify: h}
            - meta: flush_handlers
            - {name: b, debug: {msg: x}, changed_when: true, notify: h}
          handlers:
            - {name: h, debug: {msg: x}}
    """)
    assert ran.of("h1") == ["a:changed", "h:ok", "b:changed", "h:ok"]


def test_a_failed_host_runs_handlers_only_when_forced(play):
    text = """
        - hosts: all
          tasks:
            - {name: a, debug: {msg: x}, changed_when: true, notify: h}
            - {name: bad, fail: {}}
          handlers:
            - {name: h, debug: {msg: x}}
    """
    assert play(text).of("h1") == ["a:changed", "bad:failed"]
    forced = play(text, force_handlers=True)
    assert forced.of("h1") == ["a:changed", "bad:failed", "h:ok"]
    assert forced.ended.exit_code == 2


def test_an_unknown_handler_ends_the_run_with_its_name(play):
    ran = play("""
        - hosts: all
          tasks:
            - {name: a, debug: {msg: x}, changed_when: true, notify: restart ngins}
          handlers:
            - {name: restart nginx, debug: {msg: x}}
    """)
    assert isinstance(ran.error, OrchError)
    assert "restart ngins" in ran.error.message
    assert "restart nginx" in ran.error.hint


def test_loops_register_results_and_accumulate_facts(play):
    ran = play("""
        - hosts: all
          tasks:
            - set_fact: {total: "{{ (total | default([])) + [item] }}"}
              loop: [1, 2, 3]
            - {debug: {msg: "{{ item.name }}"}, loop: [{name: a}, {name: b}], register: said,
               loop_control: {label: "{{ item.name }}", index_var: n}}
            - assert: {that: ["total == [1, 2, 3]", "said.results | length == 2", "said.results[1].item.name == 'b'",
                              "said.results[1].n == 1", "not said.changed"]}
    """)
    assert ran.ended.exit_code == 0, ran.results[-1]


def test_until_tries_again_and_reports_attempts(play, tmp_path):
    counter = tmp_path / "count"
    ran = play(f"""
        - hosts: all
          tasks:
            - shell: echo x >> {counter}; wc -l < {counter}
              register: out
              until: out.stdout | int >= 3
              retries: 5
              delay: 0
            - assert: {{that: [out.attempts == 3]}}
    """)
    assert ran.ended.exit_code == 0
    assert counter.read_text().count("x") == 3


def test_an_until_that_is_never_met_fails(play):
    ran = play("""
        - hosts: all
          tasks:
            - {command: "false", register: out, until: out.rc == 0, retries: 2, delay: 0}
    """)
    assert ran.results[0].status == "failed"
    assert ran.results[0].values["attempts"] == 2


def test_what_check_mode_skips_is_not_waited_for(play):
    ran = play("""
        - hosts: all
          tasks:
            - {uri: {url: "http://127.0.0.1:1/"}, register: page, until: page.status == 200, retries: 2, delay: 0}
    """, check=True)
    assert [result.status for result in ran.results] == ["skipped"]


def test_ignore_errors_counts_as_ok_and_ignored(play):
    ran = play("""
        - hosts: all
          tasks:
            - {name: bad, command: "false", ignore_errors: true, register: r}
            - assert: {that: [r is failed, r.rc == 1]}
    """)
    assert ran.recap() == {"ok": 2, "changed": 1, "ignored": 1}


def test_serial_takes_slices_and_stops_when_a_whole_one_fails(play):
    ran = play("""
        - hosts: all
          serial: 1
          tasks:
            - {name: one, fail: {}, when: inventory_hostname == 'h2'}
        - hosts: all
          tasks:
            - {name: two, debug: {msg: x}}
    """, hosts="h1,h2,h3")
    assert [r.host for r in ran.results] == ["h1", "h2"]
    assert ran.ended.exit_code == 2


def test_any_errors_fatal_fails_the_others_behind_the_task(play):
    ran = play("""
        - hosts: all
          any_errors_fatal: true
          tasks:
            - {name: one, fail: {}, when: inventory_hostname == 'h2'}
            - {name: two, debug: {msg: x}}
    """, hosts="h1,h2")
    assert ran.of("h1") == ["one:skipped"]
    assert ran.ended.exit_code == 2


def test_max_fail_percentage_ends_the_play(play):
    text = """
        - hosts: all
          max_fail_percentage: {}
          tasks:
            - {{name: one, fail: {{}}, when: inventory_hostname == 'h2'}}
            - {{name: two, debug: {{msg: x}}}}
    """
    assert play(text.format(30), hosts="h1,h2").of("h1") == ["one:skipped"]
    assert play(text.format(60), hosts="h1,h2").of("h1") == ["one:skipped", "two:ok"]


def test_run_once_registers_for_all(play):
    ran = play("""
        - hosts: all
          tasks:
            - {name: one, debug: {msg: "{{ inventory_hostname }}"}, run_once: true, register: r}
            - {name: two, debug: {msg: "{{ r.msg }}"}}
    """, hosts="h1,h2")
    assert ran.of("h2") == ["two:ok"]
    assert ran.messages("h2") == ["h1"]


def test_delegate_to_runs_there_and_registers_here(play):
    ran = play("""
        - hosts: h1
          tasks:
            - {name: one, ping: , delegate_to: h2, register: r}
            - assert: {that: [r.ping == 'pong']}
    """, hosts="h1,h2")
    assert ran.results[0].delegated_to == "h2"
    assert ran.ended.exit_code == 0


def test_include_tasks_by_host_and_with_a_loop(play):
    ran = play("""
        - hosts: all
          tasks:
            - include_tasks: "{{ inventory_hostname }}.yml"
            - include_tasks: item.yml
              loop: [a, b]
            - {name: end, debug: {msg: x}}
    """, hosts="h1,h2", files={
        "h1.yml": "- {name: for one, debug: {msg: x}}\n",
        "h2.yml": "- {name: for two, debug: {msg: x}}\n",
        "item.yml": "- {name: 'item', debug: {msg: '{{ item }}'}}\n",
    })
    names = [n.split(":")[0] for n in ran.of("h1")]
    assert names == ["include_tasks", "for one", "include_tasks", "item", "item", "end"]
    assert ran.messages("h2") == ["x", "a", "b", "x"]


def test_a_missing_include_fails_the_host_with_what_was_searched(play):
    ran = play("""
        - hosts: all
          tasks:
            - {name: inc, include_tasks: "{{ 'nowhere' }}.yml"}
    """)
    assert ran.results[0].status == "failed"
    assert "nowhere.yml" in ran.results[0].message


ROLE = {
    "roles/web/defaults/main.yml": "http_port: 80\nlabel: default\n",
    "roles/web/vars/main.yml": "kind: server\n",
    "roles/web/tasks/main.yml": "- {name: say, debug: {msg: '{{ label }} {{ http_port }} {{ kind }}'}, "
                                "changed_when: true, notify: reload}\n",
    "roles/web/handlers/main.yml": "- {name: reload, debug: {msg: reloaded}}\n",
    "roles/web/meta/main.yml": "dependencies: [{role: base}]\n",
    "roles/base/tasks/main.yml": "- {name: base, debug: {msg: base}}\n",
}


def test_roles_bring_defaults_vars_handlers_and_dependencies(play):
    ran = play("""
        - hosts: all
          roles:
            - {role: web, http_port: 8080}
            - base
    """, files=ROLE)
    assert ran.messages() == ["base", "default 8080 server", "reloaded"]


def test_handlers_wait_for_the_tasks_behind_the_roles(play):
    ran = play("""
        - hosts: all
          pre_tasks:
            - {debug: {msg: pre}, changed_when: true, notify: own}
          roles: [web]
          tasks:
            - {debug: {msg: task}}
          post_tasks:
            - {debug: {msg: post}}
          handlers:
            - {name: own, debug: {msg: handled}}
    """, files=ROLE)
    assert ran.messages() == ["pre", "handled", "base", "default 80 server", "task", "reloaded", "post"]


def test_include_role_brings_its_handlers(play):
    ran = play("""
        - hosts: all
          tasks:
            - include_role: {name: web}
              vars: {http_port: 90}
    """, files=ROLE)
    assert ran.messages() == ["base", "default 90 server", "reloaded"]


def test_host_data_is_never_rendered(play):
    ran = play("""
        - hosts: all
          tasks:
            - {command: "echo '{{ '{{' }} 6 * 7 {{ '}}' }}'", register: out}
            - set_fact: {kept: "{{ out.stdout }}"}
            - debug: {msg: "{{ kept }}"}
            - debug: {msg: "{{ hostvars['h1'].kept }}"}
            - debug: {msg: "{{ item }}"}
              loop: "{{ out.stdout_lines }}"
    """)
    said = [m for m in ran.messages() if isinstance(m, str) and "6" in m]
    assert said[:2] == ["{{ 6 * 7 }}"] * 2
    assert "42" not in str(ran.messages())


def test_free_hosts_do_not_wait_for_each_other(play):
    ran = play("""
        - hosts: all
          strategy: free
          tasks:
            - {name: one, debug: {msg: x}}
            - {name: two, debug: {msg: x}}
    """, hosts="h1,h2")
    assert ran.of("h1") == ran.of("h2") == ["one:ok", "two:ok"]


def test_check_mode_changes_nothing(play, tmp_path):
    target = tmp_path / "made"
    ran = play(f"""
        - hosts: all
          tasks:
            - copy: {{dest: {target}, content: hello}}
            - command: touch {target}
    """, check=True)
    assert [r.status for r in ran.results] == ["changed", "skipped"]
    assert not target.exists()


def test_no_log_leaves_no_trace_of_the_values(play):
    ran = play("""
        - hosts: all
          tasks:
            - {name: quiet, command: "echo s3cr3t-canary", no_log: true, register: out}
            - assert: {that: ["'canary' in out.stdout"]}
    """)
    assert "canary" not in repr(ran.store.rows)
    assert ran.ended.exit_code == 0


def test_an_undefined_variable_names_the_expression_and_its_place(play):
    ran = play("""
        - hosts: all
          vars: {nginx_port: 80}
          tasks:
            - {name: one, debug: {msg: "port {{ nginx_prot }}"}}
    """)
    result = ran.results[0]
    assert result.status == "failed"
    assert "nginx_prot" in result.message
    assert "nginx_port" in (result.hint or "")
    assert "site.yml:5" in result.values["origin"]


def test_resume_repeats_nothing_that_has_ended(play, tmp_path):
    marks = tmp_path / "marks"
    text = f"""
        - hosts: all
          tasks:
            - {{name: one, shell: "echo {{{{ inventory_hostname }}}} >> {marks}", register: out}}
            - {{name: two, command: "test -e {tmp_path}/go"}}
            - {{name: three, debug: {{msg: "{{{{ out.rc }}}}"}}}}
    """
    first = play(text, hosts="h1,h2")
    assert first.ended.exit_code == 2
    (tmp_path / "go").touch()
    second = play(text, hosts="h1,h2", stored=first.store.journal())
    assert second.ended.exit_code == 0
    assert sorted(marks.read_text().split()) == ["h1", "h2"]
    assert [r.replayed for r in second.results if r.task_name == "one"] == [True, True]
    assert second.messages() == [0, 0]


def test_a_free_host_counts_what_was_rescued_wherever_the_block_begins(play):
    ran = play("""
        - hosts: all
          strategy: free
          tasks:
            - {command: echo before}
            - block:
                - {command: echo inside}
                - {command: "false"}
              rescue: [{command: echo saved}]
            - {command: echo after}
    """)
    assert ran.recap() == {"ok": 4, "changed": 4, "rescued": 1}


def test_a_host_that_a_refresh_finds_gone_leaves_the_play(tmp_path):
    (tmp_path / "hosts.ini").write_text("h1\nh2\n")
    ran = run_play(tmp_path, """
        - hosts: all
          tasks:
            - {group_by: {key: seen}}
            - {copy: {content: "h2\\nh3\\n", dest: "{{ hosts }}"}, run_once: true}
            - meta: refresh_inventory
            - debug: {msg: "{{ ansible_play_hosts }}"}
        - {hosts: all, tasks: [{debug: {msg: "{{ [ansible_play_hosts | sort, groups.seen] }}"}, run_once: true}]}
    """, inventory=(str(tmp_path / "hosts.ini"),), extra_vars={"hosts": str(tmp_path / "hosts.ini")})
    assert ran.messages() == [["h2"], [["h2", "h3"], ["h2"]]]


def test_an_import_of_a_role_may_be_told_by_templates(play):
    ran = play("""
        - hosts: all
          tasks:
            - {import_role: {name: r, tasks_from: "{{ which }}", allow_duplicates: "{{ false | bool }}"},
               vars: {which: other}}
            - {import_role: {name: r, tasks_from: "{{ which }}", allow_duplicates: "{{ false | bool }}"},
               vars: {which: other}}
    """, files={"roles/r/tasks/other.yml": "- debug: {msg: other}\n"})
    assert ran.messages() == ["other"]


def test_all_that_is_wrong_with_a_roles_arguments_is_told(play):
    spec = ("argument_specs: {main: {options: {a: {required: true}, b: {type: bool}, c: {type: int}, "
            "d: {type: raw, required: true}, e: {type: list, required: true}, f: {type: list}}}}\n")
    ran = play("""
        - hosts: all
          tasks:
            - block: [{include_role: {name: r}, vars: {b: 7, c: x, d: null, e: null, f: null}}]
              rescue: [{debug: {msg: "{{ ansible_failed_result.argument_errors }}"}}]
    """, files={"roles/r/tasks/main.yml": "- debug:\n", "roles/r/meta/argument_specs.yml": spec})
    [errors] = ran.messages()
    about = ["missing", "'b'", "'c'", "'e'"]
    assert [next(n for n in about if n in error) for error in errors] == about


def test_an_include_that_runs_once_is_done_by_one_host_and_its_tasks_are_that_hosts(play):
    ran = play("""
        - hosts: all
          vars: {word: untouched}
          tasks:
            - {include_tasks: more.yml, run_once: true}
            - {debug: {msg: "{{ word }}"}}
            - {include_tasks: {file: more.yml, apply: {run_once: true}}, run_once: true}
            - {debug: {msg: "{{ word }}"}}
    """, hosts="h1,h2", files={"more.yml": "- set_fact: {word: told}\n"})
    assert (ran.messages("h1"), ran.messages("h2")) == (["told", "told"], ["untouched", "told"])


def test_suboptions_of_a_roles_arguments_are_told_with_their_way(play):
    spec = ("argument_specs: {main: {options: {a: {type: dict, options: {b: {type: dict, options: "
            "{c: {required: true}}}}}}}}\n")
    ran = play("""
        - hosts: all
          tasks:
            - block: [{include_role: {name: r}, vars: {a: {b: {other: 1}}}}]
              rescue: [{debug: {msg: "{{ ansible_failed_result.argument_errors }}"}}]
    """, files={"roles/r/tasks/main.yml": "- debug:\n", "roles/r/meta/argument_specs.yml": spec})
    assert ran.messages() == [["missing required arguments: c found in a -> b",
                               "a.b.other. Supported parameters include: c."]]
