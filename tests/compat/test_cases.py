"""The list of cases is whole, and a case is called as its authors call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.compat import cases, roles
from tests.compat.cases import Case
from tests.compat.invocation import local_variables, prepare
from tests.compat.tree import Tree

ALL = cases.load()


def by_id(id: str) -> Case:
    return next(case for case in ALL if case.id == id)


def test_ids_and_file_names_are_unique() -> None:
    assert len({case.id for case in ALL}) == len({case.slug for case in ALL}) == len(ALL) == 530


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.id)
def test_each_case_says_what_would_be_wrong(case: Case) -> None:
    assert case.group in cases.GROUPS
    assert case.limit_s > 0
    assert case.recap if case.playbook else case.least_ok


@pytest.mark.parametrize(("only", "groups", "number"), [
    pytest.param(None, cases.GROUPS, 530, id="all"),
    pytest.param(None, ["lookups"], 43, id="a group"),
    pytest.param("^role/lookup_", ["lookups"], 18, id="a pattern in a group"),
    pytest.param("no such", cases.GROUPS, 0, id="none"),
])
def test_cases_are_chosen_by_pattern_and_group(only: str | None, groups: list[str], number: int) -> None:
    assert len(cases.select(ALL, only, groups)) == number


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tests = tmp_path / "tests"
    target = tests / "integration" / "targets" / "async" / "tasks"
    target.mkdir(parents=True)
    (target / "main.yml").write_text("- name: first\n\n- name: run async poll callback test playbook\n  rest\n")
    script = tests / "integration" / "targets" / "run.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o644)
    return Tree.make(tests, tmp_path / "copy", ["engine", "run"])


def test_a_playbook_is_called_in_its_folder(tree: Tree, tmp_path: Path) -> None:
    call = prepare(by_id("pb/roles/role_complete"), tree, tmp_path / "scratch", ["orch", "run"], local_variables())
    assert call.argv[:2] == ["orch", "run"]
    assert call.argv[3:7] == ["-i", str(tmp_path / "scratch" / "inventory"), "-i", "fake,"]
    assert call.cwd == tree.targets / "roles"


def test_a_role_gets_a_play_and_finds_its_neighbours(tree: Tree, tmp_path: Path) -> None:
    call = prepare(by_id("role/become_sudo"), tree, tmp_path / "scratch", ["orch", "run"], local_variables())
    [play] = json.loads((call.cwd / call.argv[2]).read_text())
    assert play["roles"] == ["become_sudo"] and play["gather_facts"] is False
    assert call.env["ANSIBLE_ROLES_PATH"] == str(tree.targets)


def test_marks_in_arguments_and_environment_are_filled(tree: Tree, tmp_path: Path) -> None:
    for case in ALL:
        call = prepare(case, tree, tmp_path / case.slug, ["orch"], {}) if not case.cut else None
        assert call is None or not {"@output@", "@tests@", "@host"} & {*call.argv, *call.env.values()}, case.id


def test_a_file_is_cut_where_its_pattern_matches(tree: Tree) -> None:
    tree.cut("async", by_id("role/async").cut)
    assert (tree.targets / "async" / "tasks" / "main.yml").read_text() == "- name: first\n\n"


def test_tests_that_call_ansible_playbook_get_the_engine(tree: Tree) -> None:
    assert (tree.bin / "ansible-playbook").read_text() == '#!/bin/sh\nexec engine run "$@"\n'
    assert (tree.targets / "run.sh").stat().st_mode & 0o111 == 0o111
    assert (tree.integration / "roles" / "run.sh").exists()


def test_every_role_says_where_it_is_and_how_it_is_played() -> None:
    every = roles.load()
    assert len(every) == len({role.id for role in every}) >= 15
    assert all(role.roles and (role.playbook or role.play) for role in every)
