"""What counts as a difference between two hosts' rows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.rows import Difference, changes, keyed, unlike

ROW = {"play_id": "p0", "play_name": "P", "task_id": "t0", "task_name": "T", "task_origin": "/a/b.yml:3:7",
       "module": "command", "item_index": None, "status": "ok"}


@pytest.mark.parametrize(("one", "other", "expected"), [
    ({"a": 1}, {"a": 1}, []),
    ({"a": {"b": 1}}, {"a": {"b": 2}}, [("a.b", 1, 2)]),
    ({"a": 1}, {}, [("a", 1, "<absent>")]),
    ({"a": [1, 2]}, {"a": [1, 3]}, [("a.1", 2, 3)]),
    ({"a": [1, 2]}, {"a": [1]}, [("a", [1, 2], [1])]),
    ({"a": {}}, {"a": []}, [("a", {}, [])]),
    ({"a": 1}, {"a": True}, [("a", 1, True)]),
    ({"stdout_lines": ["a"]}, {"stdout_lines": ["b"]}, []),
], ids=str)
def test_values_differ_as_far_out_as_they_are_of_one_shape(one: Any, other: Any, expected: list[Any]) -> None:
    assert list(changes(one, other)) == expected


def test_only_what_is_allowed_may_differ() -> None:
    one, other = (keyed([{**ROW, "host": host, "values": {"pid": host, "rc": host}}], host) for host in "ab")
    allowed = [Difference(r"host|values\.pid", "a process's own")]
    assert list(unlike(one, other, "local", allowed)) == ["b.yml:3:7 command values.rc: 'a' | 'b'"]
    assert len(list(unlike(one, other, "local", [Difference(".*", "elsewhere", ways=("mailbox",))]))) == 3
    assert len(list(unlike(one, other, "local", [Difference(".*", "of another", module="copy")]))) == 3


def test_a_row_of_one_host_alone_is_a_difference() -> None:
    rows = [{**ROW, "host": "a"}, {**ROW, "host": "a", "attempt": 2}, {**ROW, "host": "b"}]
    assert len(keyed(rows, "a")) == 2
    (line,) = unlike(keyed(rows, "a"), keyed(rows, "b"), "mailbox", [Difference("host", "its name")])
    assert "on one alone" in line
