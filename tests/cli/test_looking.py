"""Commands that look and touch nothing: listings, inventory, explain, doc, init."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Orch

PLAYBOOK = """\
- name: first play
  hosts: web
  gather_facts: false
  vars: {port: 3}
  tags: [p1]
  tasks:
    - name: one
      command: touch touched
      tags: [a, b]
    - block:
        - name: two
          debug: {msg: x}
      tags: blk
    - debug: {msg: unnamed}
- hosts: db
  gather_facts: false
  tasks:
    - name: three
      debug: {msg: x}
      tags: never
"""
HEAD = "\nplaybook: site.yml\n"
LISTINGS = [
    ("syntax", ["--syntax-check"], HEAD),
    ("syntax above all", ["--syntax-check", "--list-tasks"], HEAD),
    ("hosts", ["--list-hosts"], HEAD + """
  play #1 (web): first play\tTAGS: [p1]
    pattern: ['web']
    hosts (2):
      web1
      web2

  play #2 (db): db\tTAGS: []
    pattern: ['db']
    hosts (1):
      db1
"""),
    ("hosts within a limit", ["--list-hosts", "-l", "web2"], HEAD + """
  play #1 (web): first play\tTAGS: [p1]
    pattern: ['web']
    hosts (1):
      web2

  play #2 (db): db\tTAGS: []
    pattern: ['db']
    hosts (0):
"""),
    ("tasks", ["--list-tasks"], HEAD + """
  play #1 (web): first play\tTAGS: [p1]
    tasks:
      one\tTAGS: [a, b, p1]
      two\tTAGS: [blk, p1]
      debug\tTAGS: [p1]

  play #2 (db): db\tTAGS: []
    tasks:
"""),
    ("tasks of a tag", ["--list-tasks", "-t", "a"], HEAD + """
  play #1 (web): first play\tTAGS: [p1]
    tasks:
      one\tTAGS: [a, b, p1]

  play #2 (db): db\tTAGS: []
    tasks:
"""),
    ("tags", ["--list-tags"], HEAD + """
  play #1 (web): first play\tTAGS: [p1]
      TASK TAGS: [a, b, blk, p1]

  play #2 (db): db\tTAGS: []
      TASK TAGS: [never]
"""),
]


@pytest.fixture(autouse=True)
def playbook(project: Path) -> None:
    (project / "site.yml").write_text(PLAYBOOK)
    (project / "group_vars").mkdir()
    (project / "group_vars" / "web.yml").write_text("greeting: \"hello {{ inventory_hostname }}\"\n")


@pytest.mark.parametrize(("argv", "out"), [row[1:] for row in LISTINGS], ids=[row[0] for row in LISTINGS])
def test_listing_as_ansible_playbook_prints_it(orch: Orch, project: Path, argv: list[str], out: str) -> None:
    said = orch("run", "site.yml", "-i", "inv.yml", *argv)
    assert (said.out, said.code) == (out, 0)
    assert not (project / "touched").exists()
    assert not (project.parent / "state").exists()


def test_several_playbooks_are_listed_each_under_its_name(orch: Orch, project: Path) -> None:
    (project / "other.yml").write_text("- name: other\n  hosts: db\n  tasks: []\n")
    said = orch("run", "site.yml", "other.yml", "-i", "inv.yml", "--list-tasks")
    order = [said.out.index(text) for text in ("playbook: site.yml", "first play", "playbook: other.yml", ": other")]
    assert order == sorted(order)


# Inventory

def test_hosts_are_listed_in_order(orch: Orch) -> None:
    assert orch("inventory", "list", "-i", "inv.yml").lines == ["web1", "web2", "db1"]


def test_a_list_of_hosts_needs_no_file(orch: Orch) -> None:
    assert orch("inventory", "list", "-i", "b,a").lines == ["b", "a"]


def test_the_limit_counts(orch: Orch) -> None:
    assert orch("inventory", "list", "-i", "inv.yml", "-l", "all:!web1").lines == ["web2", "db1"]


def test_json_has_the_values_as_written(orch: Orch) -> None:
    listed = json.loads(orch("inventory", "list", "-i", "inv.yml", "--json").out)
    assert listed["web"] == {"hosts": ["web1", "web2"]}
    assert listed["_meta"]["hostvars"]["web1"] == {
        "ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}", "port": 8080,
        "greeting": "hello {{ inventory_hostname }}"}


def test_a_host_has_its_values_resolved(orch: Orch) -> None:
    assert json.loads(orch("inventory", "host", "web1", "-i", "inv.yml").out)["greeting"] == "hello web1"
    raw = json.loads(orch("inventory", "host", "web1", "-i", "inv.yml", "--raw").out)
    assert raw["greeting"] == "hello {{ inventory_hostname }}"


def test_the_graph_is_ansibles(orch: Orch) -> None:
    assert orch("inventory", "graph", "-i", "inv.yml").out == (
        "@all:\n  |--@ungrouped:\n  |--@web:\n  |  |--web1\n  |  |--web2\n  |--@db:\n  |  |--db1\n")


# Explain

def test_every_layer_is_shown_and_the_last_wins(orch: Orch) -> None:
    said = orch("explain", "var", "web1", "port", "-i", "inv.yml", "-p", "site.yml", "-e", "port=9")
    first = said.lines[1:6]
    assert [line.split()[0] for line in first] == ["inventory", "inventory", "play", "→", "="]
    assert "inv.yml:2:" in first[0] and "8080" in first[1] and "site.yml:4:" in first[2]
    assert first[4] == '  = "9"'


def test_a_template_is_shown_as_written_and_resolved(orch: Orch) -> None:
    said = orch("explain", "var", "web2", "greeting", "-i", "inv.yml")
    assert "hello {{ inventory_hostname }}" in said.out
    assert said.lines[-1] == '  = "hello web2"'


def test_a_variable_that_is_not_set_names_its_neighbour(orch: Orch) -> None:
    said = orch("explain", "var", "web1", "greetng", "-i", "inv.yml")
    assert said.lines == ["  greetng is not set for web1", "  hint: did you mean 'greeting'?"]


# Documentation and first steps

def test_all_modules_are_listed_with_a_line_each(orch: Orch) -> None:
    lines = orch("doc").lines
    assert any(line.split()[0] == "copy" for line in lines)
    assert all(len(line.split()) > 1 for line in lines)


@pytest.mark.parametrize("name", ["copy", "ansible.builtin.copy"])
def test_a_module_is_documented(orch: Orch, name: str) -> None:
    said = orch("doc", name)
    assert said.code == 0
    for text in ("Arguments", "dest  path; required", "content  any", "At most one of src and content."):
        assert text in said.out


def test_a_new_project_runs_as_it_is(orch: Orch, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert orch("init", "fleet").code == 0
    monkeypatch.chdir(project / "fleet")
    said = orch("run", "site.yml")
    assert (said.code, said.err) == (0, "")
    assert "localhost runs" in said.out


def test_init_keeps_what_is_there(orch: Orch, project: Path) -> None:
    (project / "fleet").mkdir()
    (project / "fleet" / "site.yml").write_text("mine\n")
    assert "kept" in orch("init", "fleet").out
    assert (project / "fleet" / "site.yml").read_text() == "mine\n"


@pytest.mark.parametrize("argv", [["run", "site.yml"], ["run", "site.yml", "--list-hosts"], ["inventory", "list"]],
                         ids=["run", "listing", "inventory"])
def test_a_part_of_the_limit_that_matches_nothing_is_told_once_and_ignored(orch: Orch, argv: list[str]) -> None:
    said = orch(*argv, "-i", "inv.yml", "-l", "web1:nobody")
    assert said.code == 0
    assert "web1" in said.out
    assert said.err.count("Could not match supplied host pattern, ignoring: nobody") == 1


def test_an_empty_inventory_is_told(orch: Orch) -> None:
    said = orch("run", "site.yml", "-i", "localhost,", "-l", "localhost", "--list-hosts")
    assert "no hosts in the inventory" not in said.err
    assert "no hosts in the inventory" in orch("run", "site.yml").err
