"""Projects: which folders and repositories are taken, what is read of them, and how a fetch switches the tree."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from orchestrator.access.rights import Grant
from orchestrator.control.control import Control
from orchestrator.errors import OrchError
from orchestrator.projects.git import GitError
from orchestrator.projects.projects import Project
from orchestrator.refusals import Conflict, Malformed, NotFound, Refused, Stale
from orchestrator.store.paging import PageRequest

from .conftest import ADMIN, BY_ROLE, committed, git, identity, write


def test_a_directory_lies_below_a_root_in_truth(control: Control, roots: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (roots / "link").symlink_to(tmp_path / "elsewhere")
    for path in (str(tmp_path / "elsewhere"), str(roots / "link"), str(roots / ".." / "elsewhere"), "/", "roots",
                 str(roots / "missing"), str(tmp_path / "state"), ""):
        with pytest.raises(Malformed) as refused:
            control.projects.create(ADMIN, "x", "directory", path=path)
        assert refused.value.fields[0][0] == "path"


def test_a_directory_that_is_moved_out_is_read_no_more(control: Control, project: Project, roots: Path,
                                                       tmp_path: Path) -> None:
    (roots / "web").rename(tmp_path / "web")
    (roots / "web").symlink_to(tmp_path / "web")
    with pytest.raises(Conflict):
        control.projects.contents(ADMIN, project.id)


def test_playbooks_and_roles_are_found_by_reading(control: Control, project: Project) -> None:
    found = control.projects.contents(BY_ROLE["viewer"], project.id)
    assert [(one.path, one.plays[0].name, one.has_survey) for one in found.playbooks] == [
        ("site.yml", "Web servers", True), ("ops/reboot.yml", "{{ target }}", False)]
    assert [(role.name, role.path, role.description) for role in found.roles] == [
        ("nginx", "roles/nginx", "A web server")]


def test_a_playbook_tells_what_it_asks(control: Control, project: Project, roots: Path) -> None:
    (roots / "web" / "site.survey.yml").write_text(
        "- {name: release, type: choice, choices: [stable, next], default: stable}\n"
        "- {name: count, type: int, max: 5}\n")
    said = control.projects.playbook(ADMIN, project.id, "site.yml")
    assert [(one.name, one.type) for one in said.survey] == [("release", "choice"), ("count", "int")]
    assert control.projects.answered(project.id, "site.yml", {"count": 3}) == {"count": 3, "release": "stable"}
    with pytest.raises(Malformed) as refused:
        control.projects.answered(project.id, "site.yml", {"count": 9, "release": "old"})
    assert [path for path, _ in refused.value.fields] == ["extra_vars.release", "extra_vars.count"]


def test_a_broken_survey_is_told_and_launches_nothing(control: Control, project: Project, roots: Path) -> None:
    (roots / "web" / "site.survey.yml").write_text("- {name: a, type: colour}\n")
    assert "type is one of" in control.projects.playbook(ADMIN, project.id, "site.yml").fault
    with pytest.raises(Malformed, match="survey"):
        control.projects.answered(project.id, "site.yml", {})


@pytest.mark.parametrize("path", ["../web/site.yml", "/etc/passwd", "no.yml", "", "a\0b", ".git/config"])
def test_a_playbook_is_a_path_within_its_project(control: Control, project: Project, path: str) -> None:
    with pytest.raises((Malformed, NotFound)):
        control.projects.playbook(ADMIN, project.id, path)


def test_lint_tells_what_is_missing_in_a_process_of_its_own(control: Control, project: Project, roots: Path,
                                                            tmp_path: Path) -> None:
    write(roots / "web", {
        "odd.yml": "- hosts: all\n  tasks:\n    - no_such_module: {}\n    - debug: msg=\"{{ 1 | mine }}\"\n",
        "filter_plugins/mine.py": f"open({str(tmp_path / 'ran')!r}, 'w').write(str(__import__('os').getpid()))\n"
                                  "class FilterModule:\n    def filters(self):\n        return {'mine': abs}\n",
        "json.py": "raise SystemExit('the project is not on the path')\n"})
    ran = tmp_path / "ran"
    said = control.projects.lint(ADMIN, project.id, "odd.yml")
    assert [one["name"] for one in said.missing] == ["mine", "no_such_module"] and not ran.exists()
    control.projects.change(ADMIN, project.id, None, runs_here=True)
    said = control.projects.lint(ADMIN, project.id, "odd.yml")
    assert [one["name"] for one in said.missing] == ["no_such_module"]
    assert said.missing[0]["places"] == ["odd.yml:3:7"]
    assert not ran.exists() or ran.read_text() != str(os.getpid())


def test_a_grant_shows_its_playbooks_and_no_others(control: Control, project: Project) -> None:
    bob = identity("none", Grant("playbook", project.id, "ops/*", "operator"))
    assert [one.path for one in control.projects.contents(bob, project.id).playbooks] == ["ops/reboot.yml"]
    with pytest.raises(NotFound):
        control.projects.playbook(bob, project.id, "site.yml")
    other = control.projects.create(ADMIN, "git", "git", url="https://git.example.com/a.git")
    assert [one.id for one in control.projects.list(bob, PageRequest()).items] == [project.id]
    with pytest.raises(NotFound):
        control.projects.show(bob, other.id)
    with pytest.raises(Refused):
        control.projects.begin_sync(bob, project.id)


def test_only_admins_change_projects(control: Control, project: Project) -> None:
    for role in ("viewer", "operator", "approver"):
        for act in (lambda who: control.projects.create(who, "y", "git", url="https://h/a"),
                    lambda who: control.projects.change(who, project.id, None, name="z"),
                    lambda who: control.projects.delete(who, project.id, None)):
            with pytest.raises(Refused):
                act(BY_ROLE[role])


# ---- git


@pytest.fixture
def origin(roots: Path) -> Path:
    folder = roots / "origin"
    committed(folder, {"site.yml": "- hosts: all\n", "inventory.ini": "one\n"})
    return folder


@pytest.fixture
def cloned(control: Control, origin: Path) -> Project:
    made = control.projects.create(ADMIN, "git", "git", url=f"file://{origin}", ref="main")
    return control.projects.sync(ADMIN, made.id)


def test_a_fetch_switches_the_tree_and_keeps_the_old_one(control: Control, cloned: Project, origin: Path) -> None:
    before = control.projects.tree(cloned.id)
    second = committed(origin, {"site.yml": "- hosts: web\n"})
    after = control.projects.sync(ADMIN, cloned.id)
    assert (after.commit, after.sync_error, after.synced is not None) == (second, "", True)
    assert (before.root / "site.yml").read_text() == "- hosts: all\n"
    assert (control.projects.tree(cloned.id).root / "site.yml").read_text() == "- hosts: web\n"
    assert not (before.root / ".git").exists()


def test_a_machine_that_lacks_the_tree_fetches_that_commit(control: Control, cloned: Project, origin: Path,
                                                           tmp_path: Path) -> None:
    import shutil

    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    committed(origin, {"site.yml": "- hosts: later\n"})
    shutil.rmtree(tmp_path / "state" / "projects")
    tree = control.projects.tree(cloned.id)
    assert (tree.root.name, (tree.root / "site.yml").read_text()) == (cloned.commit, "- hosts: all\n")


def test_a_fetch_that_fails_leaves_what_was(control: Control, cloned: Project, origin: Path) -> None:
    control.projects.change(ADMIN, cloned.id, None, ref="nowhere")
    with pytest.raises(GitError):
        control.projects.sync(ADMIN, cloned.id)
    row = control.projects.show(ADMIN, cloned.id)
    assert row.commit == cloned.commit and "nowhere" in row.sync_error
    assert control.projects.tree(cloned.id).file("site.yml").exists()


def test_hooks_submodules_filters_and_attributes_do_nothing(control: Control, origin: Path, roots: Path,
                                                            tmp_path: Path) -> None:
    committed(roots / "sub", {"evil.yml": "- hosts: all\n"})
    git(origin, "submodule", "add", "--quiet", f"file://{roots / 'sub'}", "sub")
    hook = origin / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    committed(origin, {".gitattributes": "hidden.yml export-ignore\n*.yml filter=evil\nsub.txt export-subst\n",
                       "hidden.yml": "- hosts: all\n", "sub.txt": "$Format:%H$\n"})
    made = control.projects.create(ADMIN, "git", "git", url=f"file://{origin}", ref="main")
    control.projects.sync(ADMIN, made.id)
    tree = control.projects.tree(made.id).root
    assert (tree / "hidden.yml").exists() and (tree / "sub.txt").read_text() == "$Format:%H$\n"
    assert not any((tree / "sub").iterdir()) and not (tmp_path / "ran").exists()


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../master.key"])
def test_a_link_out_of_the_repository_is_refused(control: Control, origin: Path, target: str) -> None:
    (origin / "out.yml").symlink_to(target)
    committed(origin, {})
    made = control.projects.create(ADMIN, "git", "git", url=f"file://{origin}", ref="main")
    with pytest.raises(GitError, match="leads out"):
        control.projects.sync(ADMIN, made.id)


def test_size_and_time_are_bounded(control: Control, origin: Path) -> None:
    from msgspec.structs import replace

    from orchestrator.projects.git import fetch

    committed(origin, {"large.bin": "x" * 300_000})
    made = control.projects.create(ADMIN, "git", "git", url=f"file://{origin}", ref="main")
    wanted = control.projects.begin_sync(ADMIN, made.id)
    assert wanted is not None
    with pytest.raises(GitError, match="more than|larger"):
        fetch(replace(wanted, most_bytes=100_000))
    with pytest.raises(GitError, match="too long"):
        fetch(replace(wanted, time_limit_s=0.0))
    assert not list((wanted.folder / "trees").glob("*")) and fetch(wanted)


def test_one_fetch_at_a_time(control: Control, origin: Path) -> None:
    import fcntl

    made = control.projects.create(ADMIN, "git", "git", url=f"file://{origin}", ref="main")
    wanted = control.projects.begin_sync(ADMIN, made.id)
    assert wanted is not None
    wanted.folder.mkdir(parents=True)
    with (wanted.folder / "lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(GitError, match="at this moment"):
            control.projects.sync(ADMIN, made.id)


def test_a_repository_that_was_never_fetched_says_so(control: Control, origin: Path) -> None:
    made = control.projects.create(ADMIN, "git", "git", url=f"file://{origin}")
    with pytest.raises(Conflict, match="never fetched"):
        control.projects.contents(ADMIN, made.id)


def test_a_token_is_not_sent_to_another_server(control: Control) -> None:
    token = control.credentials.create(ADMIN, "t", "git_token", {"token": "tttttttttt"})
    made = control.projects.create(ADMIN, "git", "git", url="https://a.example.com/x", credential_id=token.id)
    with pytest.raises(Conflict, match="project 'git'"):
        control.credentials.delete(ADMIN, token.id, None)
    moved = control.projects.change(ADMIN, made.id, made.version, url="https://b.example.com/x")
    assert moved.credential_id is None
    with pytest.raises(Stale):
        control.projects.change(ADMIN, made.id, made.version, name="x")
    with pytest.raises(Malformed, match="ssh_key"):
        control.projects.change(ADMIN, made.id, None, url="ssh://git@a.example.com/x", credential_id=token.id)


def test_file_repositories_lie_below_a_root(control: Control, tmp_path: Path) -> None:
    committed(tmp_path / "other", {"a": "b"})
    with pytest.raises(Malformed):
        control.projects.create(ADMIN, "git", "git", url=f"file://{tmp_path / 'other'}")


def test_two_threads_do_not_meet_in_one_tree(control: Control, origin: Path) -> None:
    from orchestrator.projects.git import fetch

    made = control.projects.create(ADMIN, "git", "git", url=f"file://{origin}", ref="main")
    wanted = control.projects.begin_sync(ADMIN, made.id)
    assert wanted is not None
    ends: list[object] = []

    def act() -> None:
        try:
            ends.append(fetch(wanted))
        except OrchError as error:
            ends.append(error.code)

    threads = [threading.Thread(target=act) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert set(ends) <= {committed_head(origin), "project_busy"} and committed_head(origin) in ends


def committed_head(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD")
