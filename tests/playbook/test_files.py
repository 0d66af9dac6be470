"""Where files, templates and vars files named in tasks are found."""

from __future__ import annotations

import pytest

from orchestrator.errors import ContentError
from tests.playbook.reading import by_name

PLAY = """
    - hosts: all
      roles: [r]
      tasks:
        - {name: in play, ping: }
        - import_tasks: tasks/sub.yml
"""
ROLES = {
    "roles/r/tasks/main.yml": "- {name: in role, template: {src: ngnix.conf.j2, dest: /x}}",
    "roles/r/meta/main.yml": "dependencies: [dep]",
    "roles/dep/tasks/main.yml": "- {name: in dep, ping: }", "tasks/sub.yml": "- {name: in sub, ping: }",
}

CASES = [
    # id, task, kind, name, files that exist, the one expected
    ("role", "in role", "files", "a", ["roles/r/files/a", "files/a", "a"], "roles/r/files/a"),
    ("role root", "in role", "files", "a", ["roles/r/a", "files/a"], "roles/r/a"),
    ("role template", "in role", "templates", "a.j2", ["roles/r/templates/a.j2", "roles/r/files/a.j2"],
     "roles/r/templates/a.j2"),
    ("role vars", "in role", "vars", "a.yml", ["roles/r/vars/a.yml", "vars/a.yml"], "roles/r/vars/a.yml"),
    ("with the kind in the name", "in role", "files", "files/a", ["roles/r/files/a"], "roles/r/files/a"),
    ("subfolder", "in role", "files", "sub/a", ["roles/r/files/sub/a"], "roles/r/files/sub/a"),
    ("role tasks", "in role", "files", "a", ["roles/r/tasks/a", "a"], "roles/r/tasks/a"),
    ("falls back to the play", "in role", "files", "a", ["files/a"], "files/a"),
    ("falls back to the play's root", "in role", "templates", "a", ["a"], "a"),
    ("the role that pulled it in", "in dep", "files", "a", ["roles/r/files/a", "files/a"], "roles/r/files/a"),
    ("its own first", "in dep", "files", "a", ["roles/dep/files/a", "roles/r/files/a"], "roles/dep/files/a"),
    ("a dependency's", "in role", "files", "a", ["roles/dep/files/a"], "roles/dep/files/a"),
    ("play", "in play", "files", "a", ["files/a", "a"], "files/a"),
    ("play root", "in play", "files", "a", ["a"], "a"),
    ("beside imported tasks", "in sub", "files", "a", ["tasks/files/a"], "tasks/files/a"),
    ("one up from tasks", "in sub", "templates", "a", ["templates/a"], "templates/a"),
    ("tasks of a role", "in role", "tasks", "a.yml", ["roles/r/tasks/a.yml", "a.yml"], "roles/r/tasks/a.yml"),
]


@pytest.mark.parametrize(
    ("task", "kind", "name", "files", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES],
)
def test_search(project, task, kind, name, files, expected):
    project.write({**ROLES, **dict.fromkeys(files, "")})
    play = project.play(PLAY)
    found = project.loader.resolve_file(kind, name, task=by_name(play)[task], play=play)
    assert str(found) == str(project.folder / expected)


def test_an_absolute_path_is_taken_as_it_is(project):
    project.write({"far/a": ""})
    play = project.tasks("- {name: x, ping: }")
    path = str(project.folder / "far/a")
    assert str(project.loader.resolve_file("files", path, task=by_name(play)["x"], play=play)) == path


def test_a_folder_may_be_copied(project):
    project.write({**ROLES, "roles/r/files/tree/a": ""})
    play = project.play(PLAY)
    found = project.loader.resolve_file("files", "tree/", task=by_name(play)["in role"], play=play)
    assert found == project.folder / "roles/r/files/tree"


def test_what_was_searched_is_told(project):
    project.write({**ROLES, "roles/r/templates/nginx.conf.j2": ""})
    play = project.play(PLAY)
    with pytest.raises(ContentError) as caught:
        project.loader.resolve_file("templates", "ngnix.conf.j2", task=by_name(play)["in role"], play=play)
    error = caught.value
    assert error.message == "the template ngnix.conf.j2 was not found"
    assert str(error.origin) == "roles/r/tasks/main.yml:1:35"
    assert error.hint.startswith(
        f"did you mean nginx.conf.j2? searched: {project.folder}/roles/r/templates/ngnix.conf.j2, ")


def test_vars_files_that_are_named_must_be_there(project):
    project.write({"vars/a.yml": "x: 1"})
    assert project.faults("- hosts: all\n  vars_files:\n  - a.yml\n  - [no.yml, vars/a.yml]\n  - b.yml\n") == [
        "site.yml:5:5 vars_files: b.yml was not found"]
