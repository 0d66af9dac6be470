"""Dynamic includes: what comes in inherits what surrounds the include, its vars and its ``apply``, and nothing else."""

from __future__ import annotations

import pytest

from orchestrator.errors import ContentError, Faults
from orchestrator.model import Block
from orchestrator.playbook.listing import walk
from orchestrator.template.types import Map
from tests.playbook.reading import tasks

PLAY = """
    - hosts: all
      tags: play
      become: true
      tasks:
        - name: around
          when: around
          vars: {b: 1}
          block:
            - include_tasks: sub.yml
              when: own
              tags: own
              vars: {p: 1}
              no_log: true
"""


def include(project, play, name="sub.yml", number=0, **options):
    return project.loader.include_tasks(name, task=tasks(play)[number], play=play, **options)


def test_tasks_come_in_with_what_surrounds_the_include(project):
    project.write({"sub.yml": "- {name: x, ping: , when: inner}"})
    (task,) = include(project, project.play(PLAY), params=Map({"item": 5}))
    assert [condition.expression for condition in task.when] == ["around", "inner"]
    assert (task.tags, task.become.become, task.no_log, task.vars) == (("play",), True, None, ({"b": 1},))
    assert [dict(layer) for layer in task.include_params] == [{"item": 5}, {"p": 1}]
    assert (task.id, str(task.origin)) == ("p0.t0.b0/sub.yml.t0", "sub.yml:1:3")
    assert task.trail == ("include_tasks at site.yml:9:11",)


def test_apply_is_for_all_that_comes_in(project):
    project.write({"sub.yml": "- {name: x, ping: }"})
    play = project.tasks("- include_tasks: {file: sub.yml, apply: {tags: [t], become: true, when: applied}}")
    (task,) = include(project, play, apply=tasks(play)[0].args["apply"])
    assert (task.tags, task.become.become, task.when[0].expression) == (("t",), True, "applied")


def test_an_include_within_an_include_goes_on_from_there(project):
    project.write({"a/sub.yml": "- include_tasks: deeper.yml\n  vars: {q: 2}", "a/deeper.yml": "- {name: x, ping: }"})
    play = project.tasks("- include_tasks: a/sub.yml\n  vars: {p: 1}")
    (middle,) = include(project, play, "a/sub.yml")
    (task,) = project.loader.include_tasks("deeper.yml", task=middle, play=play)
    assert [dict(layer) for layer in task.include_params] == [{"p": 1}, {"q": 2}]
    assert task.id == "p0.t0/a/sub.yml.t0/deeper.yml.t0"
    assert task.trail == ("include_tasks at site.yml:3:7", "include_tasks at a/sub.yml:1:3")


def test_a_file_may_include_itself(project):
    project.write({"sub.yml": "- include_tasks: sub.yml\n  when: again"})
    play = project.tasks("- include_tasks: sub.yml")
    (again,) = include(project, play)
    (once_more,) = project.loader.include_tasks("sub.yml", task=again, play=play)
    assert once_more.id == "p0.t0/sub.yml.t0/sub.yml.t0"


def test_ids_are_the_same_each_time(project):
    project.write({"sub.yml": "- block: [{ping: }]"})
    play = project.tasks("- include_tasks: sub.yml")
    first, second = (include(project, play)[0] for _ in range(2))
    assert isinstance(first, Block) and first is not second
    assert first.tasks[0].id == second.tasks[0].id == "p0.t0/sub.yml.t0.b0"


def test_handlers_of_imported_roles_join_the_play_once(project):
    project.write({"sub.yml": "- import_role: {name: r}", "roles/r/handlers/main.yml": "- {name: h, ping: }"})
    play = project.tasks("- include_tasks: sub.yml")
    for _ in range(2):
        include(project, play)
    assert [handler.name for handler in play.handlers] == ["h"]
    assert play.roles == []


def test_a_missing_file_says_where_it_was_looked_for(project):
    project.write({"subs.yml": ""})
    play = project.tasks("- include_tasks: sub.yml")
    with pytest.raises(ContentError, match=r"the file of tasks sub.yml was not found") as caught:
        include(project, play)
    assert str(caught.value.origin) == "site.yml:3:22"
    assert caught.value.hint.startswith(f"did you mean subs.yml? searched: {project.folder}/sub.yml")


def test_faults_in_an_included_file_are_all_told(project):
    project.write({"sub.yml": "- coppy: {}\n- ping:\n  whne: x"})
    play = project.tasks("- include_tasks: sub.yml")
    with pytest.raises(Faults) as caught:
        include(project, play)
    assert [str(error.origin) for error in caught.value.errors] == ["sub.yml:1:3", "sub.yml:3:3"]


ROLE = {
    "roles/r/tasks/main.yml": "- {name: main, ping: }", "roles/r/tasks/setup.yml": "- {name: setup, ping: }",
    "roles/r/handlers/main.yml": "- {name: h, ping: }", "roles/r/defaults/main.yml": "d: 1",
    "roles/r/vars/more.yml": "v: 2", "roles/r/meta/main.yml": "dependencies: [dep]",
    "roles/dep/tasks/main.yml": "- {name: dep, ping: }", "roles/dep/handlers/main.yml": "- {name: dh, ping: }",
}


def role(project, text, **options):
    project.write(ROLE)
    play = project.tasks(text)
    return project.loader.include_role("r", task=tasks(play)[0], play=play, **options)


def test_a_role_comes_in_with_its_dependencies_and_handlers(project):
    included = role(project, "- include_role: {name: r}\n  tags: own\n  vars: {p: 1}", params=Map({"item": 1}))
    found = [task for block in included.blocks for task in walk(block)]
    assert [(task.name, task.id) for task in found] == [
        ("dep", "p0.t0/r.d0/dep.t0"), ("main", "p0.t0/r.t0")]
    assert [handler.name for handler in included.handlers] == ["dh", "h"]
    assert found[1].tags == ()
    assert [dict(layer) for layer in found[1].include_params] == [{"item": 1}, {"p": 1}]
    assert all(block.role_start for block in included.blocks)


def test_the_options_of_include_role(project):
    included = role(project, "- include_role: {name: r}", tasks_from="setup", vars_from="more", public=True,
                    allow_duplicates=False, apply=Map({"tags": ["t"]}))
    found = [task for block in included.blocks for task in walk(block)]
    assert (found[-1].name, found[-1].tags) == ("setup", ("t",))
    own = included.role
    assert (own.public, own.allow_duplicates, dict(own.vars), dict(own.defaults)) == (True, False, {"v": 2}, {"d": 1})


def test_a_role_is_private_unless_public(project):
    assert role(project, "- include_role: {name: r}").role.public is False


def test_a_wrong_option_of_include_role_is_told_where_it_stands(project):
    with pytest.raises(ContentError, match="public must be a boolean: The value 'perhaps'") as caught:
        role(project, "- include_role: {name: r, public: perhaps}", public="perhaps")
    assert str(caught.value.origin) == "site.yml:3:39"


def test_a_missing_role_and_a_missing_entry_point_are_faults(project):
    with pytest.raises(Faults) as caught:
        role(project, "- include_role: {name: r}", tasks_from="setpu")
    (error,) = caught.value.errors
    assert (error.message, error.hint) == ("Could not find specified file in role: tasks/setpu", "did you mean setup?")
