"""Magic variables, hostvars, facts: what they say, and what a host may not make of them."""

import pytest

from orchestrator.errors import Origin, UndefinedVariable
from orchestrator.template.types import Template
from orchestrator.variables.facts import settable
from orchestrator.variables.store import RunOptions
from tests.variables.builders import make_play, make_role, make_store, make_task

HOSTS = """
all:
  vars: {domain: 'example.org', full: '{{ inventory_hostname }}.{{ domain }}'}
  hosts: {h1.lan: {}, h2: {}, h3: {}}
  children:
    web: {hosts: {h1.lan: {}, h2: {}}}
    front: {children: {web: {}}}
"""


@pytest.fixture
def store(tmp_path):
    return make_store(
        tmp_path, HOSTS, options=RunOptions(check_mode=True, limit="web", inventory_sources=["inv/hosts.yml"])
    )


def _render(store, source: str, **scope):
    return store.engine.render(Template(source), store.scope(scope.pop("host", "h1.lan"), **scope))


ROWS = [
    ("{{ inventory_hostname }}", "h1.lan"),
    ("{{ inventory_hostname_short }}", "h1"),
    ("{{ group_names }}", ["front", "web"]),
    ("{{ groups.web }}", ["h1.lan", "h2"]),
    ("{{ groups['all'] | length }}", 3),
    ("{{ groups.front }}", ["h1.lan", "h2"]),
    ("{{ groups.ungrouped }}", ["h3"]),
    ("{{ hostvars['h2'].full }}", "h2.example.org"),
    ("{{ hostvars | length }}", 3),
    ("{{ hostvars.h2.inventory_hostname }}", "h2"),
    ("{{ 'h2' in hostvars }}", True),
    ("{{ 'hx' in hostvars }}", False),
    ("{{ hostvars['h2']['nope'] | default('d') }}", "d"),
    ("{{ hostvars['hx'] is defined }}", False),
    ("{{ groups.web | map('extract', hostvars, 'full') | list }}", ["h1.lan.example.org", "h2.example.org"]),
    ("{{ hostvars.values() | map(attribute='inventory_hostname') | sort }}", ["h1.lan", "h2", "h3"]),
    ("{{ hostvars[groups['web'][1]]['group_names'] }}", ["front", "web"]),
    ("{{ vars.full }}", "h1.lan.example.org"),
    ("{{ vars['domain'] }}", "example.org"),
    ("{{ lookup('vars', 'full') }}", "h1.lan.example.org"),
    ("{{ lookup('varnames', '^dom') }}", "domain"),
    ("{{ ansible_check_mode }}", True),
    ("{{ ansible_diff_mode }}", False),
    ("{{ ansible_limit }}", "web"),
    ("{{ ansible_run_tags }}", ["all"]),
    ("{{ ansible_skip_tags }}", []),
    ("{{ ansible_version.full is version('2.9', '>=') }}", True),
    ("{{ ansible_facts }}", {}),
    ("{{ omit is defined }}", True),
    ("{{ inventory_dir is string and inventory_file is match('.*hosts.yml') }}", True),
    ("{{ lookup('inventory_hostnames', 'web:!h2') }}", "h1.lan"),
    ("{{ role_name is defined }}", False),
    ("{{ ansible_play_hosts is defined }}", False),
    ("{{ hostvars['localhost'].ansible_connection }}", "local"),
]


@pytest.mark.parametrize(("source", "value"), ROWS, ids=[row[0] for row in ROWS])
def test_what_a_host_sees(store, source: str, value: object) -> None:
    assert _render(store, source) == value


def test_what_a_play_and_a_role_see(store) -> None:
    parent = make_role("outer")
    role = make_role("inner", parents=(parent,), collection="my.col")
    play = make_play(roles=[parent, role])
    store.enter_play(play, ["h1.lan", "h2", "h3"], ["h1.lan", "h2"], lambda: ["h2"])
    task = make_task(role=role, origin=Origin("/roles/inner/tasks/main.yml", 1, 1))
    found = _render(
        store,
        "{{ [ansible_play_name, ansible_play_hosts, ansible_play_hosts_all, ansible_play_batch, play_hosts,"
        " role_name, role_path, ansible_role_name, ansible_parent_role_names, ansible_play_role_names,"
        " ansible_dependent_role_names, ansible_search_path[:3]] }}",
        play=play,
        task=task,
    )
    assert found == [
        "the play",
        ["h2"],
        ["h1.lan", "h2", "h3"],
        ["h2"],
        ["h2"],
        "inner",
        "/roles/inner",
        "my.col.inner",
        ["outer"],
        ["outer"],
        ["my.col.inner"],
        ["/roles/inner", "/roles/outer", "/roles/inner/tasks"],
    ]


def test_a_host_that_is_not_there_is_a_clear_error(store) -> None:
    with pytest.raises(UndefinedVariable) as caught:
        _render(store, "{{ hostvars['hx'].full }}")
    assert "no host 'hx'" in str(caught.value)
    with pytest.raises(UndefinedVariable, match="the host 'h2' has no variable 'nope'"):
        _render(store, "{{ hostvars.h2.nope }}")


def test_hostvars_see_what_was_learnt_since(store) -> None:
    template = "{{ hostvars.h2.x | default('none') }}"
    assert _render(store, template) == "none"
    store.register("h2", "x", {"rc": 0})
    assert _render(store, template) == {"rc": 0}
    store.set_fact("h2", "x", 5)
    assert _render(store, template) == 5


def test_a_circle_between_hosts_is_named(tmp_path) -> None:
    from orchestrator.errors import TemplateError

    store = make_store(
        tmp_path,
        'all:\n  hosts: {a: {}, b: {}}\n  vars:\n    v: "{{ hostvars[other].v }}"\n'
        "    other: \"{{ 'b' if inventory_hostname == 'a' else 'a' }}\"\n",
    )
    with pytest.raises(TemplateError, match="circle|v -> "):
        store.engine.render(Template("{{ v }}"), store.scope("a"))


def test_facts_are_namespaced_and_injected(store) -> None:
    store.set_facts("h1.lan", {"ansible_distribution": "Debian", "ansible_local": {"a": 1}, "custom": 2})
    assert _render(
        store,
        "{{ ansible_distribution }} {{ ansible_facts.distribution }} {{ ansible_facts['custom'] }}"
        " {{ custom }} {{ ansible_local.a }} {{ ansible_facts.ansible_local is defined }}",
    ) == ("Debian Debian 2 2 1 False")
    store.clear_facts("h1.lan")
    assert _render(store, "{{ ansible_facts }}") == {}


FORBIDDEN = [
    "ansible_host",
    "ansible_port",
    "ansible_user",
    "ansible_password",
    "ansible_connection",
    "ansible_become",
    "ansible_become_user",
    "ansible_become_password",
    "ansible_become_exe",
    "ansible_ssh_common_args",
    "ansible_ssh_private_key_file",
    "ansible_python_interpreter",
    "ansible_shell_executable",
    "ansible_docker_host",
    "ansible_winrm_server",
    "ansible_ruby_interpreter",
    "ansible_check_mode",
    "hostvars",
    "groups",
    "inventory_hostname",
    "omit",
    "vars",
    "playbook_dir",
    "role_path",
    "ansible_version",
    "ansible_remote_tmp",
    "ansible_delegated_vars",
    "_ansible_no_log",
    "ansible_facts",
    "ansible_local_python_interpreter",
    "ansible_search_path",
]


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_fact_sets_no_variable_that_steers_the_run(store, name: str) -> None:
    assert not settable(name)
    before = store.scope("h1.lan").explain(name)
    store.set_facts("h1.lan", {name: "evil"})
    assert not any(layered.value == "evil" for layered in store.scope("h1.lan").explain(name))
    assert len(before) == len(store.scope("h1.lan").explain(name))


@pytest.mark.parametrize(
    "name",
    [
        "ansible_distribution",
        "ansible_user_id",
        "ansible_user_dir",
        "ansible_local",
        "ansible_ssh_host_key_rsa_public",
        "ansible_python_version",
        "ansible_hostname",
        "mine",
        "ansible_env",
        "ansible_default_ipv4",
        "ansible_docker0",
        "ansible_python",
    ],
)
def test_other_facts_are_variables(name: str) -> None:
    assert settable(name)


def test_facts_registered_results_and_set_facts_are_never_rendered(store) -> None:
    evil = "{{ 70001 * 3 }}"
    store.set_facts("h1.lan", {"ansible_evil": evil, "plain": [evil, {"k": evil}]})
    store.register("h1.lan", "result", {"stdout": evil, "results": [{"item": evil}]})
    store.set_fact("h1.lan", "kept", _render(store, "{{ result.stdout }}"))
    for source in (
        "{{ ansible_evil }}",
        "{{ ansible_facts.evil }}",
        "{{ plain }}",
        "{{ result }}",
        "{{ kept }}",
        "{{ vars.kept }}",
        "{{ hostvars['h1.lan'].result }}",
        "{{ lookup('vars', 'kept') }}",
        "{{ hostvars | dict2items }}",
        "{{ hostvars['h1.lan']['ansible_facts'] }}",
    ):
        shown = repr(_render(store, source))
        assert evil in shown and "210003" not in shown


def test_included_vars_are_templates_even_below_plain_mappings(store) -> None:
    from orchestrator.content.yaml import load_yaml

    store.include_vars("h1.lan", {"conf": dict(load_yaml("a: '{{ domain }}'\nb: {c: '{{ domain }}'}\n"))})
    assert _render(store, "{{ conf.a }} {{ conf.b.c }}") == "example.org example.org"


def test_a_cacheable_set_fact_is_a_fact_too(store) -> None:
    store.set_fact("h1.lan", "x", 1, cacheable=True)
    assert _render(store, "{{ ansible_facts.x }}{{ x }}") == "11"


def test_hosts_added_in_the_run_are_known(store) -> None:
    assert _render(store, "{{ groups.web | length }}") == 2
    store.inventory.add_host("new", ["web"], {"a": "{{ 70001 * 3 }}"})
    store.inventory_changed()
    assert _render(store, "{{ groups.web | length }} {{ hostvars.new.a }}") == "3 {{ 70001 * 3 }}"


def test_a_scope_without_a_host_knows_what_needs_none(store) -> None:
    assert (
        store.engine.render(Template("{{ groups.web | length }} {{ x }}"), store.scope(None, make_play(vars={"x": 1})))
        == "2 1"
    )
    with pytest.raises(KeyError):
        store.scope(None).lookup("inventory_hostname")


def test_names_lists_what_lookup_answers(store) -> None:
    scope = store.scope("h1.lan")
    for name in scope.names():
        scope.lookup(name)
    assert {"full", "inventory_hostname", "hostvars"} <= scope.names()
