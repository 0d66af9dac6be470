"""What a task gets from the play, the role and the blocks around it."""

from __future__ import annotations

import pytest

from orchestrator.template.types import Template
from tests.playbook.reading import by_name, tasks


def expressions(task):
    return [condition.expression for condition in task.when]


PLAY = """
    - hosts: all
      become: true
      become_user: app
      remote_user: admin
      tags: [play]
      environment: {A: play}
      module_defaults: {copy: {mode: "0600"}}
      any_errors_fatal: true
      vars: {level: play}
      tasks:
        - name: outer
          when: outer
          tags: outer
          vars: {level: outer}
          environment: {A: outer}
          become_user: db
          notify: outer handler
          block:
            - name: inner
              when: [inner, deeper]
              tags: [inner, outer]
              vars: {level: inner}
              environment: [{A: inner}, "{{ more }}"]
              become: false
              delegate_to: other
              block:
                - name: task
                  ping:
                  when: own
                  vars: {level: task}
                  notify: own handler
                  no_log: true
            - name: sibling
              ping:
        - name: bare
          ping:
"""


@pytest.fixture
def found(project):
    return by_name(project.play(PLAY))


def test_conditions_run_from_the_outermost_inwards(found):
    assert expressions(found["task"]) == ["outer", "inner", "deeper", "own"]
    assert expressions(found["sibling"]) == ["outer"]
    assert expressions(found["bare"]) == []


def test_tags_are_joined(found):
    assert found["task"].tags == ("play", "outer", "inner")
    assert found["bare"].tags == ("play",)


def test_variables_are_layers_without_the_plays_own(found):
    assert [layer["level"] for layer in found["task"].vars] == ["outer", "inner", "task"]
    assert found["bare"].vars == ()


def test_environment_and_module_defaults_are_layers(found):
    assert found["task"].environment == ({"A": "play"}, {"A": "outer"}, {"A": "inner"}, Template("{{ more }}"))
    assert found["bare"].module_defaults == ({"copy": {"mode": "0600"}},)


def test_become_is_inherited_field_by_field(found):
    become = found["task"].become
    assert (become.become, become.user, become.method) == (False, "db", None)
    assert (found["bare"].become.become, found["bare"].become.user) == (True, "app")


@pytest.mark.parametrize(("name", "field", "expected"), [
    ("task", "delegate_to", "other"), ("sibling", "delegate_to", None), ("task", "remote_user", "admin"),
    ("task", "no_log", True), ("sibling", "no_log", None), ("task", "any_errors_fatal", True),
    ("task", "notify", ("outer handler", "own handler")), ("sibling", "notify", ("outer handler",)),
])
def test_the_nearest_wins(found, name, field, expected):
    assert getattr(found[name], field) == expected


def test_a_keyword_without_a_value_changes_nothing(project):
    play = project.play("- hosts: all\n  become: true\n  tasks:\n  - {name: a, ping: , become: , tags: , vars: }\n")
    assert by_name(play)["a"].become.become is True


def test_facts_are_gathered_with_the_plays_keywords(project):
    play = project.play("- hosts: all\n  become: true\n  tags: web\n  gather_subset: [min, network]\n  tasks: []\n")
    gather = play.gather_task
    assert (gather.id, gather.action, gather.implicit) == ("p0.gather", "gather_facts", True)
    assert (gather.tags, gather.become.become) == (("web",), True)
    assert gather.args["gather_subset"] == ["min", "network"]


def test_facts_of_a_play_without_tags_are_always_gathered(project):
    """Observed with ansible-core 2.19: the facts of a play with tags go with these tags alone."""
    assert project.play("- hosts: all\n  tasks: []\n").gather_task.tags == ("always",)


def test_blocks_carry_any_errors_fatal(project):
    play = project.tasks("- {any_errors_fatal: true, block: [{ping: }]}\n- block: [{ping: }]")
    assert [block.any_errors_fatal for block in play.sections[2]] == [True, None]


def test_sections_are_in_the_order_of_execution(project):
    project.write({"roles/r/tasks/main.yml": "- {name: role, ping: }"})
    play = project.play("""
        - hosts: all
          tasks: [{name: task, ping: }]
          post_tasks: [{name: post, ping: }]
          roles: [r]
          pre_tasks: [{name: pre, ping: }]
    """)
    assert [task.name for task in tasks(play)] == ["pre", "role", "task", "post"]
    assert [len(section) for section in play.sections] == [1, 1, 1, 1]


def test_plays_carry_their_keywords(project):
    play = project.play("""
        - name: all of it
          hosts: [web, "db:&prod"]
          user: admin
          gather_facts: "no"
          strategy: ansible.builtin.free
          serial: [1, "50%"]
          order: sorted
          max_fail_percentage: 30
          force_handlers: true
          vars_files: [[missing.yml, "{{ os }}.yml"], "{{ x }}.yml"]
          vars_prompt:
            - {name: password, prompt: Password, encrypt: sha512_crypt, confirm: yes}
            - {name: version, private: no, default: "1"}
          tasks: []
    """)
    assert (play.name, play.hosts, play.remote_user) == ("all of it", ["web", "db:&prod"], "admin")
    assert play.gather_facts is False
    assert (play.strategy, play.serial, play.order, play.max_fail_percentage) == ("free", [1, "50%"], "sorted", 30)
    assert play.force_handlers is True
    assert play.vars_files == (["missing.yml", Template("{{ os }}.yml")], Template("{{ x }}.yml"))
    first, second = play.vars_prompt
    assert (first.name, first.prompt, first.private, first.confirm, first.encrypt) == (
        "password", "Password", True, True, "sha512_crypt")
    assert (second.private, second.default) == (False, "1")


@pytest.mark.parametrize(("hosts", "expected"), [
    ('"{{ target }}"', "web"), ('"{{ target | default(\'x\') }}:!db"', "web:!db"), ("all", "all"),
    ('"{{ own }}"', "mine"), ('["{{ target }}", db]', ["web", "db"]),
])
def test_hosts_are_rendered_from_extra_and_play_variables(project, hosts, expected):
    play = project.play(f"- hosts: {hosts}\n  vars: {{own: mine}}\n  tasks: []\n", extra_vars={"target": "web"})
    assert play.hosts == expected


def test_hosts_that_cannot_be_rendered_yet_stay_a_template(project):
    assert project.play('- hosts: "{{ asked }}"\n  tasks: []\n').hosts == Template("{{ asked }}")


def test_the_digest_covers_every_file(project):
    project.write({"roles/r/tasks/main.yml": "- ping:"})
    site = "- hosts: all\n  roles: [r]\n"
    first = project.load(site).digest
    assert type(project)(project.folder, _Here()).load(site).digest == first
    project.write({"roles/r/tasks/main.yml": "- ping: {}"})
    assert type(project)(project.folder, _Here()).load(site).digest != first


class _Here:
    def chdir(self, folder):
        """The folder is the working directory already."""
