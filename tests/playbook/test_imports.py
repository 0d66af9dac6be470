"""import_tasks, import_role, import_playbook: read at once, inheriting all that is written at the import."""

from __future__ import annotations

import pytest

from tests.playbook.reading import by_name, tasks


def test_imported_tasks_take_the_place_and_inherit(project):
    project.write({"sub.yml": "- {name: x, ping: , when: own, tags: own}"})
    play = project.tasks("""
        - name: before
          ping:
        - import_tasks: sub.yml
          when: outer
          tags: outer
          become: true
          vars: {v: 1}
          delegate_to: other
    """)
    task = by_name(play)["x"]
    assert [condition.expression for condition in task.when] == ["outer", "own"]
    assert (task.tags, task.become.become) == (("outer", "own"), True)
    assert (task.vars, task.delegate_to) == (({"v": 1},), "other")
    assert (task.id, str(task.origin)) == ("p0.t1.t0", "sub.yml:1:3")
    assert task.trail == ("import_tasks at site.yml:5:7",)
    assert task.include_params == ()


@pytest.mark.parametrize("spelling", [
    "import_tasks: sub.yml", "import_tasks: {file: sub.yml}", "ansible.builtin.import_tasks: sub.yml",
    "import_tasks: file=sub.yml", "action: import_tasks sub.yml", "import_tasks: '{{ which }}.yml'",
    "import_tasks: '{{ from_vars }}.yml'\nvars: {from_vars: sub}", "import_tasks: '{{ extra }}.yml'",
    "import_tasks: '{{ in_file }}.yml'", "import_tasks: '{{ playbook_dir }}/sub.yml'",
])
def test_spellings_of_import_tasks(project, spelling):
    project.write({"sub.yml": "- {name: x, ping: }", "vars.yml": "in_file: sub"})
    text = spelling.replace("\n", "\n    ")
    play = project.play(f"- hosts: all\n  vars: {{which: sub}}\n  vars_files: [vars.yml]\n  tasks:\n  - {text}\n",
                        extra_vars={"extra": "sub"})
    assert list(by_name(play)) == ["x"]


PLACES = [
    ("beside the importing file", {"a/one.yml": "- import_tasks: two.yml", "a/two.yml": "- {name: x, ping: }"}),
    ("beside the one before", {"a/one.yml": "- import_tasks: b/two.yml", "a/b/two.yml": "- import_tasks: three.yml",
                               "a/three.yml": "- {name: x, ping: }"}),
    ("below tasks of the playbook", {"a/one.yml": "- import_tasks: two.yml", "tasks/two.yml": "- {name: x, ping: }"}),
    ("beside the playbook", {"a/one.yml": "- import_tasks: two.yml", "two.yml": "- {name: x, ping: }"}),
    ("upwards", {"a/one.yml": "- import_tasks: ../two.yml", "two.yml": "- {name: x, ping: }"}),
]


@pytest.mark.parametrize("files", [p[1] for p in PLACES], ids=[p[0] for p in PLACES])
def test_where_imported_files_are_looked_for(project, files):
    project.write(files)
    assert list(by_name(project.tasks("- import_tasks: a/one.yml"))) == ["x"]


def test_within_a_role_its_tasks_folder_is_searched(project):
    project.write({
        "roles/r/tasks/main.yml": "- import_tasks: sub/a.yml", "roles/r/tasks/sub/a.yml": "- import_tasks: b.yml",
        "roles/r/tasks/b.yml": "- {name: x, ping: }", "b.yml": "- {name: wrong, ping: }",
    })
    assert list(by_name(project.play("- hosts: all\n  roles: [r]\n"))) == ["x"]


def test_an_imported_role_inherits_and_joins_the_play(project):
    project.write({
        "roles/r/tasks/main.yml": "- {name: main, ping: }", "roles/r/tasks/setup.yml": "- {name: setup, ping: }",
        "roles/r/vars/other.yml": "b: other", "roles/r/defaults/main.yml": "d: 1",
        "roles/r/handlers/main.yml": "- {name: h, ping: }",
    })
    play = project.tasks("""
        - import_role: {name: r, tasks_from: setup, vars_from: other.yml}
          vars: {a: 1}
          tags: t
          when: w
    """)
    task = by_name(play)["setup"]
    assert (task.tags, task.when[0].expression, task.id) == (("t",), "w", "p0.t0/r.t0")
    role = play.roles[0]
    assert (dict(role.vars), dict(role.defaults), role.allow_duplicates, role.from_include) == (
        {"a": 1, "b": "other"}, {"d": 1}, True, True)
    assert [handler.name for handler in play.handlers] == ["h"]


def test_a_role_imported_by_a_role_has_it_as_parent(project):
    project.write({"roles/a/tasks/main.yml": "- import_role: {name: b}",
                   "roles/b/tasks/main.yml": "- {name: x, ping: }"})
    task = by_name(project.play("- hosts: all\n  roles: [a]\n"))["x"]
    assert [role.name for role in task.role.parents] == ["a"]


def test_imported_plays_get_vars_tags_and_conditions(project):
    project.write({"sub/other.yml": """
        - hosts: web
          vars: {a: play, b: play}
          tags: own
          tasks: [{name: x, ping: , when: own}]
          handlers: [{name: h, ping: }]
    """})
    book = project.load("""
        - import_playbook: sub/other.yml
          vars: {a: import}
          tags: [outer]
          when: outer
        - hosts: db
          tasks: [{name: y, ping: }]
    """)
    first, second = book.plays
    task = by_name(first)["x"]
    assert dict(first.vars) == {"a": "import", "b": "play"}
    assert first.tags == task.tags == ("own", "outer")
    assert [condition.expression for condition in task.when] == ["outer", "own"]
    assert [condition.expression for condition in first.gather_task.when] == ["outer"]
    assert first.handlers[0].when == ()
    assert (task.trail, task.id) == (("import_playbook at site.yml:1:3",), "p0.t0")
    assert (second.id, tasks(second)[0].id) == ("p1", "p1.t0")


def test_an_imported_playbook_finds_roles_beside_itself(project):
    project.write({"sub/other.yml": "- hosts: all\n  roles: [r]\n",
                   "sub/roles/r/tasks/main.yml": "- {name: x, ping: }"})
    assert list(by_name(project.play("- import_playbook: sub/other.yml\n"))) == ["x"]


@pytest.mark.parametrize("spelling", [
    "import_playbook: other.yml", "ansible.builtin.import_playbook: other.yml", "import_playbook: '{{ which }}.yml'",
])
def test_spellings_of_import_playbook(project, spelling):
    project.write({"other.yml": "- hosts: web\n"})
    assert project.load(f"- {spelling}\n", extra_vars={"which": "other"}).plays[0].hosts == "web"


def test_a_playbook_of_a_collection(tmp_path, monkeypatch):
    from tests.playbook.reading import Project

    project = Project(tmp_path, monkeypatch, collection_paths=[tmp_path / "cs"])
    project.write({"cs/ansible_collections/ns/coll/playbooks/site.yml": "- hosts: web\n"})
    assert project.load("- import_playbook: ns.coll.site\n").plays[0].hosts == "web"


def test_several_playbooks_are_one_run(project):
    project.write({"a.yml": "- hosts: a\n", "b/b.yml": "- hosts: b\n  tasks: [{import_tasks: sub.yml}]\n",
                   "b/sub.yml": "- {name: x, ping: }"})
    book = project.loader.load(["a.yml", "b/b.yml"])
    assert ([play.id for play in book.plays], book.paths) == (["p0", "p1"], ("a.yml", "b/b.yml"))
