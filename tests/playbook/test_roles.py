"""Roles: where they are found, what is read of them, what they depend on, what their tasks inherit."""

from __future__ import annotations

import pytest

from orchestrator.model import Block
from tests.playbook.reading import Project, by_name, tasks

SITE = "- hosts: all\n  roles:\n"
TASK = "- {name: %s, ping: }"


def names(play):
    return [task.name for task in tasks(play)]


PLACES = [
    ("beside the playbook", "roles/r"), ("in a role path", "elsewhere/r"), ("in the playbook's folder", "r"),
]


@pytest.mark.parametrize("place", [p[1] for p in PLACES], ids=[p[0] for p in PLACES])
def test_places(tmp_path, monkeypatch, place):
    project = Project(tmp_path, monkeypatch, role_paths=[tmp_path / "elsewhere"])
    project.write({f"{place}/tasks/main.yml": TASK % "x"})
    play = project.play(SITE + "  - r\n")
    assert (names(play), play.roles[0].path) == (["x"], str(tmp_path / place))


def test_the_first_place_wins(tmp_path, monkeypatch):
    project = Project(tmp_path, monkeypatch, role_paths=[tmp_path / "elsewhere"])
    project.write({f"{place}/tasks/main.yml": TASK % place.replace("/", "_") for _, place in PLACES})
    assert names(project.play(SITE + "  - r\n")) == ["roles_r"]


@pytest.mark.parametrize("written", ["./own/r", "own/r", "{tmp}/own/r"])
def test_a_role_may_be_a_path(project, written):
    project.write({"own/r/tasks/main.yml": TASK % "x"})
    play = project.play(SITE + f"  - role: {written.format(tmp=project.folder)}\n")
    assert (names(play), play.roles[0].name) == (["x"], written.format(tmp=project.folder))


def test_a_role_may_be_the_checkout_that_its_test_lies_in(project):
    project.write({"tasks/main.yml": TASK % "x", "molecule/default/site.yml": SITE + "  - ../../../\n"})
    play = project.loader.load(["molecule/default/site.yml"], {}).plays[0]
    assert (names(play), play.roles[0].path) == (["x"], str(project.folder))


def test_a_linked_role_is_where_the_link_leads(project):
    project.write({"own/a/meta/main.yml": "dependencies: [b]", "own/b/tasks/main.yml": TASK % "b"})
    (project.folder / "roles").mkdir()
    (project.folder / "roles/a").symlink_to("../own/a")
    play = project.play(SITE + "  - a\n")
    assert (names(play), play.roles[-1].path) == (["b"], str(project.folder / "own/a"))


def test_a_role_of_a_collection(tmp_path, monkeypatch):
    project = Project(tmp_path, monkeypatch, collection_paths=[tmp_path / "cs"])
    base = "cs/ansible_collections/ns/coll/roles"
    project.write({
        f"{base}/r/tasks/main.yml": TASK % "x", f"{base}/r/meta/main.yml": "dependencies: [sibling]",
        f"{base}/sibling/tasks/main.yml": TASK % "y",
    })
    play = project.play(SITE + "  - ns.coll.r\n")
    assert names(play) == ["y", "x"]
    assert [role.fqcn for role in play.roles] == ["ns.coll.sibling", "ns.coll.r"]
    assert names(project.play("- hosts: all\n  collections: [ns.coll]\n  roles: [r]\n")) == ["y", "x"]


def test_a_role_beside_the_one_that_depends_on_it(project):
    project.write({"far/a/meta/main.yml": "dependencies: [b]", "far/b/tasks/main.yml": TASK % "b"})
    assert names(project.play(SITE + "  - far/a\n")) == ["b"]


FILES = [
    ("main.yml", {"defaults/main.yml": "a: 1", "vars/main.yml": "b: 2"}, {"a": 1}, {"b": 2}),
    ("main.yaml", {"defaults/main.yaml": "a: 1", "vars/main.yaml": "b: 2"}, {"a": 1}, {"b": 2}),
    ("main", {"defaults/main": "a: 1", "vars/main": "b: 2"}, {"a": 1}, {"b": 2}),
    ("json", {"vars/main.json": '{"b": 2}'}, {}, {"b": 2}),
    ("folder", {"vars/main/2.yml": "b: 2\nc: 2", "vars/main/1.yml": "b: 1\na: 1", "vars/main/sub/x.yml": "d: 4",
                "vars/main/.hidden.yml": "x: 1", "vars/main/notes.txt": "y: 1"}, {}, {"a": 1, "b": 2, "c": 2, "d": 4}),
    ("empty files", {"defaults/main.yml": "---\n", "tasks/main.yml": "---\n"}, {}, {}),
    ("no files", {"files/x": ""}, {}, {}),
]


@pytest.mark.parametrize(("files", "defaults", "variables"), [c[1:] for c in FILES], ids=[c[0] for c in FILES])
def test_variables_of_a_role(project, files, defaults, variables):
    project.write({f"roles/r/{name}": text for name, text in files.items()})
    role = project.play(SITE + "  - r\n").roles[0]
    assert (dict(role.defaults), dict(role.vars)) == (defaults, variables)


def test_an_entry_gives_parameters_vars_and_keywords(project):
    project.write({"roles/r/tasks/main.yml": TASK % "x", "roles/r/vars/main.yml": "a: main\nb: main"})
    play = project.play("""
        - hosts: all
          tags: play
          roles:
            - role: r
              port_number: 80
              vars: {a: entry}
              tags: [web]
              when: wanted
              become: true
    """)
    role, task = play.roles[0], by_name(play)["x"]
    assert (dict(role.params), dict(role.vars)) == ({"port_number": 80}, {"a": "entry", "b": "main"})
    assert (task.tags, task.when[0].expression, task.become.become) == (("play", "web"), "wanted", True)
    assert (task.role is role, task.id) == (True, "p0.r0/r.t0")


@pytest.mark.parametrize("entry", ["r", "{role: r}", "{name: r}", "'{{ which }}'", "{role: '{{ which }}'}"])
def test_spellings_of_an_entry(project, entry):
    project.write({"roles/r/tasks/main.yml": TASK % "x"})
    play = project.play(f"- hosts: all\n  vars: {{which: r}}\n  roles:\n  - {entry}\n")
    assert [role.name for role in play.roles] == ["r"]


DEPENDENT = {
    "roles/top/meta/main.yml": """
        galaxy_info: {author: x, platforms: [{name: Debian}]}
        dependencies:
          - {role: mid, p: 1, tags: mid, when: mid_when, vars: {v: 2}}
          - base
    """,
    "roles/top/tasks/main.yml": TASK % "top",
    "roles/mid/meta/main.yml": "dependencies: [{role: base}]\nallow_duplicates: true",
    "roles/mid/tasks/main.yml": TASK % "mid",
    "roles/base/tasks/main.yml": TASK % "base",
}


def test_dependencies_run_first_and_inherit(project):
    project.write(DEPENDENT)
    play = project.play(SITE + "  - {role: top, tags: entry, when: entry_when}\n")
    assert names(play) == ["base", "mid", "base", "top"]
    first, mid, second, top = tasks(play)
    assert [condition.expression for condition in first.when] == ["entry_when", "mid_when"]
    assert (first.tags, second.tags, top.tags) == (("entry", "mid"), ("entry",), ("entry",))
    assert [first.id, mid.id, second.id, top.id] == [
        "p0.r0/top.d0/mid.d0/base.t0", "p0.r0/top.d0/mid.t0", "p0.r0/top.d1/base.t0", "p0.r0/top.t0"]


def test_roles_know_each_other(project):
    project.write(DEPENDENT)
    play = project.play(SITE + "  - top\n")
    base, mid, _, top = play.roles
    assert [role.name for role in base.parents] == ["top", "mid"]
    assert [role.name for role in top.dependencies] == ["mid", "base"]
    assert (dict(mid.params), dict(mid.vars), mid.allow_duplicates) == ({"p": 1}, {"v": 2}, True)


def test_each_role_is_a_block_that_starts_it(project):
    project.write(DEPENDENT)
    blocks = project.play(SITE + "  - top\n").sections[1]
    assert all(isinstance(block, Block) and block.role_start for block in blocks)
    assert [block.role.name for block in blocks] == ["base", "mid", "base", "top"]


IDENTITIES = [
    ("the same", "r", "r", True), ("parameters differ", "{role: r, a: 1}", "{role: r, a: 2}", False),
    ("parameters equal", "{role: r, a: 1}", "{role: r, a: 1}", True),
    ("vars differ", "{role: r, vars: {a: 1}}", "r", False), ("tags differ", "{role: r, tags: x}", "r", False),
    ("conditions differ", "{role: r, when: x}", "r", False), ("become differs", "{role: r, become: true}", "r", True),
]


@pytest.mark.parametrize(("one", "other", "same"), [c[1:] for c in IDENTITIES], ids=[c[0] for c in IDENTITIES])
def test_when_two_uses_are_one_role(project, one, other, same):
    project.write({"roles/r/tasks/main.yml": TASK % "x"})
    first, second = project.play(SITE + f"  - {one}\n  - {other}\n").roles
    assert (first.identity == second.identity) is same


SPEC = """
    argument_specs:
      main:
        short_description: The main one
        options: {http_port: {type: int, required: true}}
      other:
        options: {x: {type: str}}
"""


@pytest.mark.parametrize("file", ["meta/argument_specs.yml", "meta/argument_specs.yaml", "meta/main.yml"])
def test_a_role_that_declares_its_arguments_checks_them_first(project, file):
    project.write({f"roles/r/{file}": SPEC, "roles/r/tasks/main.yml": TASK % "x"})
    spec, task = tasks(project.play(SITE + "  - {role: r, http_port: 80, tags: web}\n"))
    assert (spec.action, spec.id, spec.tags) == ("validate_argument_spec", "p0.r0/r.spec", ("web", "always"))
    assert spec.name == "Validating arguments against arg spec 'main' - The main one"
    assert spec.args["argument_spec"] == {"http_port": {"type": "int", "required": True}}
    assert spec.args["provided_arguments"] == {"http_port": 80}
    assert spec.args["validate_args_context"]["argument_spec_name"] == "main"
    assert task.name == "x"


def test_the_entry_point_chooses_the_specification(project):
    project.write({"roles/r/meta/argument_specs.yml": SPEC, "roles/r/tasks/other.yml": TASK % "x"})
    spec, _ = tasks(project.tasks("- import_role: {name: r, tasks_from: other.yml}"))
    assert (spec.name, list(spec.args["argument_spec"])) == ("Validating arguments against arg spec 'other'", ["x"])
    assert len(tasks(project.tasks("- import_role: {name: r, tasks_from: other, rolespec_validate: false}"))) == 1


def test_filters_of_a_role_are_known_in_its_templates(project):
    project.write({
        "roles/r/filter_plugins/own.py":
            "class FilterModule:\n    def filters(self):\n        return {'shout': str.upper}",
        "roles/r/tasks/main.yml": "- debug: {msg: \"{{ 'a' | shout }}\"}",
    })
    assert project.faults(SITE + "  - r\n") == []


def test_modules_of_a_role_are_known_in_its_tasks(project):
    project.write({"roles/r/library/own_thing.py": "", "roles/r/tasks/main.yml": "- own_thing: {any: thing}"})
    assert tasks(project.play(SITE + "  - r\n"))[0].action == "own_thing"
    assert project.faults("- hosts: all\n  tasks:\n  - own_thing: {any: thing}\n") == [
        "site.yml:3:5 unknown module own_thing"]


def test_a_missing_role_names_the_collections_that_were_asked(tmp_path, monkeypatch):
    project = Project(tmp_path, monkeypatch, collection_paths=[tmp_path / "cs"])
    [error] = project.errors("- hosts: all\n  collections: [acme.web]\n  roles: [r]\n")
    assert f"and the collections acme.web in {tmp_path}/collections" in error.hint
    assert error.hint.count(str(tmp_path / "roles")) == 1


ABSENT = ["xattr", "community.general.xattr", "community.docker.docker_swarm", "acme.web.site"]
MISSPELT = ["coppy", "ansible.builtin.coppy", "community.general.copy", "community.docker.dockr"]


@pytest.mark.parametrize("module", ABSENT)
def test_a_module_of_a_collection_that_is_not_here_waits_in_a_role(project, module):
    project.write({"roles/r/tasks/main.yml": f"- {module}: {{path: /x}}\n  when: false"})
    assert project.faults(SITE + "  - r\n") == []
    assert [(str(one.origin), one.message) for one in project.loader.cautions] == [
        ("roles/r/tasks/main.yml:1:3", f"this task fails if it is reached: unknown module {module}")]
    assert project.faults(f"- hosts: all\n  tasks:\n  - {module}: {{}}\n") == [f"site.yml:3:5 unknown module {module}"]


@pytest.mark.parametrize("module", MISSPELT)
def test_a_misspelt_module_of_a_role_is_told_at_once(project, module):
    project.write({"roles/r/tasks/main.yml": f"- {module}: {{}}"})
    assert project.faults(SITE + "  - r\n") == [f"roles/r/tasks/main.yml:1:3 unknown module {module}"]
