"""A survey finds what content uses, with places, and reads no further than content goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.playbook.jinja_names import names_in, names_in_condition
from orchestrator.playbook.role_search import RoleSearch
from orchestrator.playbook.survey import Survey, survey

JINJA = [
    ("{{ a | default(b | lower) }}", {("filter", "default"), ("filter", "lower")}),
    ("{{ a is defined and b is not version('1', '>') }}", {("test", "defined"), ("test", "version")}),
    ("{{ x | ansible.utils.ipaddr('net') }}", {("filter", "ansible.utils.ipaddr")}),
    (
        "{{ lookup('env', 'HOME') }}{{ query('file', p) }}{{ q('vars', n) }}",
        {("lookup", "env"), ("lookup", "file"), ("lookup", "vars")},
    ),
    ("{{ lookup(which, 'x') }}", set()),
    ("{% for i in a | sort %}{% if i is even %}x{% endif %}{% endfor %}", {("filter", "sort"), ("test", "even")}),
    ("{{ broken", set()),
    ("no jinja", set()),
]


@pytest.mark.parametrize(("text", "expected"), JINJA, ids=[row[0][:30] for row in JINJA])
def test_names_in_jinja(text: str, expected: set[tuple[str, str]]) -> None:
    assert {(one.kind, one.name) for one in names_in(text)} == expected


def test_names_in_a_condition() -> None:
    assert {one.name for one in names_in_condition("x | bool and y is mapping")} == {"bool", "mapping"}


def surveyed(folder: Path, *paths: str, **files: str) -> Survey:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_yml", ".yml").replace("_j2", ".j2")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return survey([str(folder / path) for path in paths], RoleSearch([folder / "roles"]))


def names(found: Survey, kind: str = "module") -> list[str]:
    return sorted({use.name for use in found.uses if use.kind == kind})


PLAY = """\
- hosts: all
  pre_tasks: [{ping: }]
  roles: [web, {role: db, tags: x}]
  tasks:
    - block:
        - community.docker.docker_container: {name: a}
      rescue:
        - action: debug msg=x
      always:
        - local_action: {module: command, cmd: ls}
    - import_tasks: more.yml
    - include_tasks: "{{ os }}.yml"
    - shell: "{{ a | strange }}"
      with_filetree: b
      when: a is peculiar
  handlers: [{service: {name: x}}]
"""
TREE = {
    "site_yml": PLAY,
    "more_yml": "- assert: {that: [a is odd_one]}\n",
    "roles__web__tasks__main_yml": "- include_role: {name: base}\n- template: {src: a.j2, dest: /a}\n",
    "roles__web__tasks__other_yml": "- mount: {path: /a}\n",
    "roles__web__templates__a_j2": "line\n{{ x | unusual }}\n",
    "roles__db__meta__main_yml": "dependencies: [{role: dep}]\n",
    "roles__db__tasks__main_yml": "[]\n",
    "roles__dep__handlers__main_yml": "- reboot:\n",
    "roles__base__defaults__main_yml": "a: \"{{ lookup('etcd', 'x') }}\"\n",
}


def test_everything_below_a_playbook_is_found(tmp_path: Path) -> None:
    found = surveyed(tmp_path, "site.yml", **TREE)
    assert found.faults == []
    assert names(found) == sorted([
        "ping", "community.docker.docker_container", "debug", "command", "import_tasks", "include_tasks", "shell",
        "service", "assert", "include_role", "template", "mount", "reboot",
    ])  # fmt: skip
    assert names(found, "filter") == ["strange", "unusual"]
    assert names(found, "test") == ["odd_one", "peculiar"]
    assert names(found, "lookup") == ["etcd", "filetree"]
    assert [what for what, _ in found.not_followed] == ["file {{ os }}.yml"]


def test_places_are_those_of_the_files(tmp_path: Path) -> None:
    found = surveyed(tmp_path, "site.yml", **TREE)
    places = {use.name: str(use.origin).removeprefix(f"{tmp_path}/") for use in found.uses}
    assert places["community.docker.docker_container"] == "site.yml:6:11"
    assert places["unusual"] == "roles/web/templates/a.j2:2"


def test_a_folder_is_read_for_plays_and_roles_alone(tmp_path: Path) -> None:
    others = {"ci_yml": "- stage: build\n- {script: x}\n", "k8s_yml": "a: 1\n---\nb: 2\n"}
    found = surveyed(tmp_path, ".", **TREE, **others)
    assert found.faults == []
    assert "stage" not in names(found)
    assert "mount" in names(found)


GONE = """\
- hosts: a
  roles:
    - gone
  tasks:
    - import_tasks: x.yml
"""


def test_what_is_not_there_is_a_fault_with_its_place(tmp_path: Path) -> None:
    found = surveyed(tmp_path, "site.yml", site_yml=GONE)
    assert [(fault.message, str(fault.origin).rpartition("/")[2]) for fault in found.faults] == [
        ("the role 'gone' was not found", "site.yml:3:7"),
        ("the file x.yml was not found", "site.yml:5:21"),
    ]


def test_files_that_include_each_other_are_read_once(tmp_path: Path) -> None:
    found = surveyed(tmp_path, "a.yml", a_yml="- import_tasks: b.yml\n", b_yml="- import_tasks: a.yml\n")
    assert (found.files, found.faults) == (2, [])
