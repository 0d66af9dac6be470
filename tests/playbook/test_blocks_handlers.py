"""Blocks with rescue and always, and handlers."""

from __future__ import annotations

import pytest

from orchestrator.model import Block
from orchestrator.playbook.listing import walk
from tests.playbook.reading import by_name


def test_a_block_keeps_its_three_lists(project):
    block = project.tasks("""
        - name: b
          block: [{name: x, ping: }]
          rescue: [{name: y, ping: }, {name: z, ping: }]
          always: [{name: w, ping: }]
    """).sections[2][0]
    assert isinstance(block, Block)
    assert [len(block.tasks), len(block.rescue), len(block.always)] == [1, 2, 1]
    assert (block.id, block.name, str(block.origin)) == ("p0.t0", "b", "site.yml:3:7")


@pytest.mark.parametrize("text", ["- block: []", "- block:", "- block: []\n  rescue: []\n  always: []"])
def test_empty_lists_are_fine(project, text):
    assert project.tasks(text).sections[2][0].tasks == []


def test_rescue_and_always_inherit_from_the_block(project):
    found = by_name(project.tasks("""
        - when: w
          become: true
          block: [{name: x, ping: }]
          rescue: [{name: y, ping: }]
          always: [{name: z, ping: }]
    """))
    assert {name: (task.when[0].expression, task.become.become) for name, task in found.items()} == {
        "x": ("w", True), "y": ("w", True), "z": ("w", True)}


HANDLERS = """
    - hosts: all
      tags: t
      roles: [one]
      tasks:
        - import_role: {name: two}
      handlers:
        - name: own
          ping:
          listen: topic
        - name: both
          ping:
          listen: [topic, other]
        - import_tasks: more.yml
        - include_tasks: later.yml
          listen: later
"""


@pytest.fixture
def handlers(project):
    project.write({
        "roles/one/handlers/main.yml": "- {name: one, ping: }", "roles/one/meta/main.yml": "dependencies: [zero]",
        "roles/zero/handlers/main.yml": "- {name: zero, ping: }",
        "roles/two/handlers/main.yml": "- {name: two, ping: }",
        "more.yml": "- {name: imported, ping: }",
    })
    return [task for node in project.play(HANDLERS).handlers for task in walk(node)]


def test_handlers_of_roles_come_first_and_those_of_imported_roles_last(handlers):
    assert [task.name for task in handlers] == ["zero", "one", "own", "both", "imported", None, "two"]
    assert all(task.handler for task in handlers)


def test_handlers_listen(handlers):
    assert [task.listen for task in handlers] == [(), (), ("topic",), ("topic", "other"), (), ("later",), ()]


def test_handlers_know_their_role_and_tags(handlers):
    roles = [task.role.name if task.role else None for task in handlers]
    assert roles == ["zero", "one", None, None, None, None, "two"]
    assert {task.tags for task in handlers} == {("t",)}


def test_handler_ids(handlers):
    assert [task.id for task in handlers] == [
        "p0.r0/one.d0/zero.h0", "p0.r0/one.h0", "p0.h0", "p0.h1", "p0.h2.t0", "p0.h3", "p0.t0/two.h0"]


def test_listen_is_for_handlers_alone(project):
    assert project.faults("- hosts: all\n  tasks:\n  - ping:\n    listen: x\n") == [
        "site.yml:4:5 'listen' is not a valid attribute for a Task"]
