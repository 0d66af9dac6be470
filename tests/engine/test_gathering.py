"""When facts are gathered, and with what."""

from __future__ import annotations

import sys

import pytest

from tests.engine.harness import run_play

TWICE = """
    - {hosts: all, tasks: [{debug: {msg: one}}]}
    - {hosts: all, tasks: [{debug: {msg: two}}]}
    - {hosts: all, gather_facts: true, tasks: [{debug: {msg: three}}]}
"""


def gathered(ran):
    return sum(r.module == "gather_facts" for r in ran.results)


@pytest.mark.parametrize(("mode", "times"), [("implicit", 3), ("explicit", 1), ("smart", 1)])
def test_how_often_facts_are_gathered(tmp_path, mode, times):
    assert gathered(run_play(tmp_path, TWICE, gathering=mode)) == times


def test_cleared_facts_are_gathered_again(tmp_path):
    ran = run_play(tmp_path, """
        - {hosts: all, tasks: [{meta: clear_facts}]}
        - {hosts: all, tasks: [{debug: {msg: two}}]}
    """, gathering="smart")
    assert gathered(ran) == 2


def test_a_plays_subset_is_what_is_gathered(tmp_path):
    ran = run_play(tmp_path, """
        - hosts: all
          gather_facts: true
          gather_subset: ["!all", "!min"]
          tasks:
            - debug: {msg: "{{ ansible_facts.gather_subset }} {{ ansible_distribution is defined }}"}
    """)
    assert ran.messages() == ["['!all', '!min'] False"]


def test_an_environment_made_of_facts_waits_for_them(tmp_path):
    ran = run_play(tmp_path, """
        - hosts: all
          gather_facts: true
          environment: {ALSO: x, PATH: "{{ ansible_env.PATH }}:/more"}
          tasks:
            - {shell: 'echo "$ALSO $PATH"', register: out}
            - assert: {that: ["out.stdout.startswith('x ')", "out.stdout.endswith(':/more')",
                              "':/more' not in ansible_env.PATH", "ansible_env.ALSO == 'x'"]}
    """)
    assert ran.ended.exit_code == 0, ran.results[-1]


def test_a_missing_inventory_matters_only_to_plays_that_need_one(tmp_path):
    here = run_play(tmp_path, "- {hosts: localhost, tasks: [{debug: {msg: x}}]}", inventory=(str(tmp_path / "none"),))
    assert here.ended.exit_code == 0
    from orchestrator.errors import InventoryFault

    with pytest.raises(InventoryFault, match="no inventory"):
        run_play(tmp_path, "- {hosts: all, tasks: []}", inventory=(str(tmp_path / "none"),))


def test_a_play_that_runs_once_gathers_the_facts_of_each_host(tmp_path):
    ran = run_play(tmp_path, """
        - {hosts: all, gather_facts: true, gather_subset: ["!all", "!min"], run_once: true, tasks: [{debug: {msg: x}}]}
    """, hosts="h1,h2")
    assert (gathered(ran), len(ran.messages())) == (2, 1)


@pytest.mark.parametrize(("defaults", "subset"), [
    ("{setup: {gather_subset: '!all'}}", ["!all"]),
    ("{ansible.builtin.setup: {gather_subset: '!all'}, gather_facts: {gather_subset: min}}", ["min"]),
])
def test_defaults_of_the_facts_module_stand_below_those_of_its_action(tmp_path, defaults, subset):
    ran = run_play(tmp_path, f"""
        - hosts: all
          tasks:
            - {{gather_facts: {{}}, module_defaults: {defaults}}}
            - debug: {{msg: "{{{{ ansible_facts.gather_subset }}}}"}}
    """)
    assert ran.messages() == [subset]


FACTS_MODULE = """\
#!/bin/sh
echo '{"changed": false, "ansible_facts": {"told_by": "%(name)s", "%(name)s": 1, "list": ["%(name)s", "all"],
       "map": {"%(name)s": 1, "last": "%(name)s"}}}'
"""


@pytest.mark.parametrize(("named", "given"), [
    ("in a variable", {"extra_vars": {"ansible_facts_modules": ["mine", "yours"]}}),
    ("in a setting", {"facts_modules": "mine, yours"}),
], ids=lambda value: value if isinstance(value, str) else "")
def test_facts_may_be_told_by_other_modules(tmp_path, named, given):
    ran = run_play(tmp_path, """
        - hosts: all
          gather_facts: true
          tasks:
            - debug: {msg: "{{ ansible_facts }}"}
    """, files={f"library/{name}": FACTS_MODULE % {"name": name} for name in ("mine", "yours")}, **given)
    assert ran.messages() == [{
        "told_by": "yours", "mine": 1, "yours": 1, "list": ["mine", "yours", "all"],
        "map": {"mine": 1, "yours": 1, "last": "yours"}, "_ansible_facts_gathered": True,
        "discovered_interpreter_python": sys.executable,
    }]


def test_setup_takes_part_under_its_own_name(tmp_path):
    ran = run_play(tmp_path, """
        - hosts: all
          tasks:
            - gather_facts: {gather_subset: "!all"}
            - debug: {msg: "{{ [ansible_facts.mine, 'os_family' in ansible_facts] }}"}
    """, files={"library/mine": FACTS_MODULE % {"name": "mine"}}, facts_modules="smart,setup,mine")
    assert ran.messages() == [[1, True]]


def test_an_unknown_facts_module_is_told_by_name(tmp_path):
    ran = run_play(tmp_path, "- {hosts: all, gather_facts: true, tasks: []}", facts_modules="nowhere")
    assert ran.results[0].message == "couldn't resolve module/action 'nowhere'"
