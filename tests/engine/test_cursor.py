"""A cursor's way through blocks: each row is a tree, the tasks that fail, and the order in which tasks then come."""

from __future__ import annotations

import pytest

from orchestrator.engine.cursor import Cursor
from orchestrator.errors import Origin
from orchestrator.model import Block, Task
from orchestrator.template.types import Map

PLACE = Origin("play.yml", 1, 1)


def task(name: str) -> Task:
    return Task(id=name, origin=PLACE, action="debug", action_written="debug", args=Map(), name=name)


def tree(spec):
    """Names are tasks; a dict is a block."""
    if isinstance(spec, str):
        return task(spec)
    return Block("b", PLACE, tasks=[tree(s) for s in spec.get("block", [])],
                 rescue=[tree(s) for s in spec.get("rescue", [])], always=[tree(s) for s in spec.get("always", [])])


def walk(cursor: Cursor, failing=()) -> list[str]:
    seen = []
    while (step := cursor.peek()) is not None:
        seen.append(step.task.name)
        if step.task.name in failing:
            cursor.fail()
        else:
            cursor.advance()
    return seen


CASES = [
    ("plain", ["a", "b"], (), "a b", False),
    ("failure-ends", ["a", "b"], ("a",), "a", True),
    ("block", [{"block": ["a", "b"], "always": ["z"]}, "c"], (), "a b z c", False),
    ("rescue", [{"block": ["a", "b"], "rescue": ["r"], "always": ["z"]}, "c"], ("a",), "a r z c", False),
    ("rescue-not-needed", [{"block": ["a"], "rescue": ["r"]}, "c"], (), "a c", False),
    ("rescue-fails", [{"block": ["a"], "rescue": ["r"], "always": ["z"]}, "c"], ("a", "r"), "a r z", True),
    ("always-after-failure", [{"block": ["a"], "always": ["z"]}, "c"], ("a",), "a z", True),
    ("always-fails", [{"block": ["a"], "always": ["y", "z"]}, "c"], ("a", "y"), "a y", True),
    ("inner-failure-outer-rescue",
     [{"block": [{"block": ["a"], "always": ["y"]}, "b"], "rescue": ["r"]}, "c"], ("a",), "a y r c", False),
    ("inner-rescue-fails-outer-rescues",
     [{"block": [{"block": ["a"], "rescue": ["i"]}], "rescue": ["o"]}, "c"], ("a", "i"), "a i o c", False),
    ("always-fails-outer-rescues",
     [{"block": [{"block": ["a"], "always": ["y"]}], "rescue": ["o"], "always": ["z"]}, "c"], ("y",), "a y o z c",
     False),
    ("nested-always-both-run",
     [{"block": [{"block": ["a"], "always": ["y"]}], "always": ["z"]}, "c"], ("a",), "a y z", True),
    ("empty-block", [{"block": [], "always": ["z"]}, "c"], (), "z c", False),
    ("rescue-in-always", [{"block": ["a"], "always": [{"block": ["y"], "rescue": ["r"]}]}, "c"], ("y",), "a y r c",
     False),
]


@pytest.mark.parametrize(("spec", "failing", "order", "failed"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_order_of_tasks(spec, failing, order, failed):
    cursor = Cursor([tree(s) for s in spec])
    assert walk(cursor, failing) == order.split()
    assert cursor.failed is failed


def test_keys_grow_along_the_way_whatever_fails():
    spec = [{"block": ["a", {"block": ["b"], "rescue": ["r"], "always": ["y"]}], "always": ["z"]}, "c"]
    for failing in ((), ("a",), ("b",), ("b", "r"), ("y",)):
        cursor = Cursor([tree(s) for s in spec])
        keys = []
        while (step := cursor.peek()) is not None:
            keys.append(step.key)
            cursor.fail() if step.task.name in failing else cursor.advance()
        assert keys == sorted(keys), failing
        assert len(set(keys)) == len(keys)


def test_an_include_comes_before_what_follows_it():
    cursor = Cursor([tree("inc"), tree("after")])
    key = cursor.peek().key
    cursor.push([tree("one"), tree("two")], [5, 9])
    assert cursor.peek().key > key
    assert walk(cursor) == ["one", "two", "after"]


def test_a_failure_in_an_include_is_rescued_around_it():
    cursor = Cursor([tree({"block": ["inc", "b"], "rescue": ["r"]}), tree("c")])
    cursor.peek()
    cursor.push([tree("one"), tree("two")])
    assert cursor.rescuing_blocks()
    assert walk(cursor, ("one",)) == ["one", "r", "c"]


def test_an_include_as_last_task_of_a_block_leads_to_its_always():
    cursor = Cursor([tree({"block": ["inc"], "always": ["z"]}), tree("c")])
    cursor.peek()
    cursor.push([tree("one")])
    assert walk(cursor) == ["one", "z", "c"]


def test_rescuing_blocks_counts_only_blocks_whose_tasks_run():
    cursor = Cursor([tree({"block": ["a"], "rescue": ["r"]})])
    cursor.peek()
    assert cursor.rescuing_blocks()
    cursor.fail()
    assert cursor.peek().task.name == "r"
    assert not cursor.rescuing_blocks()


def test_unwanted_tasks_and_blocks_are_passed_over():
    cursor = Cursor([tree("a"), tree({"block": ["b"]}), tree("c")], wanted=lambda t: t.name != "a",
                    enter=lambda b: False)
    assert walk(cursor) == ["c"]


def test_end_role_goes_on_behind_the_role():
    role = Block("r", PLACE, tasks=[tree("a"), tree("b")], role_start=True)
    cursor = Cursor([role, tree("c")])
    assert cursor.peek().task.name == "a"
    cursor.leave_role()
    assert walk(cursor) == ["c"]
