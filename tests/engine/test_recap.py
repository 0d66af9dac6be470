"""Counting as Ansible's recap counts, and what the exit code makes of it."""

from __future__ import annotations

import pytest

from orchestrator.engine import recap
from orchestrator.engine.hosts import serial_sizes
from orchestrator.errors import (
    ContentError,
    Faults,
    InventoryFault,
    StoreError,
    SyntaxFault,
    UndefinedVariable,
    UsageError,
    VaultError,
)
from orchestrator.events import HostRecap, TaskResult


def result(status, **more):
    return TaskResult("r", "p0", "p", "t", "t", "x:1:1", more.pop("module", "debug"), "h", status, **more)


@pytest.mark.parametrize(("row", "expected"), [
    (result("ok"), {"ok": 1}),
    (result("changed"), {"ok": 1, "changed": 1}),
    (result("skipped"), {"skipped": 1}),
    (result("failed"), {"failed": 1}),
    (result("failed", rescued=True), {"rescued": 1}),
    (result("failed", ignored=True), {"ok": 1, "ignored": 1}),
    (result("failed", ignored=True, values={"changed": True}), {"ok": 1, "ignored": 1, "changed": 1}),
    (result("unreachable"), {"unreachable": 1}),
    (result("interrupted"), {"failed": 1, "interrupted": 1}),
    (result("ok", module="include_tasks", values={"results": [{}, {"skipped": True}, {}]}), {"ok": 2}),
], ids=lambda v: v.status if isinstance(v, TaskResult) else "")
def test_a_result_counts_as_in_ansible(row, expected):
    line = HostRecap()
    recap.count(line, row)
    assert {k: getattr(line, k) for k in HostRecap.__slots__ if getattr(line, k)} == expected


@pytest.mark.parametrize(("given", "code"), [
    ({}, 0), ({"failed": True}, 2), ({"unreachable": True}, 4), ({"failed": True, "unreachable": True}, 4),
    ({"interrupted": True, "failed": True}, 130),
])
def test_exit_codes(given, code):
    assert recap.exit_code({}, **{"failed": False, "unreachable": False, "interrupted": False, **given}) == code


@pytest.mark.parametrize(("serial", "total", "sizes"), [
    (None, 7, [7]), (0, 7, [7]), (3, 7, [3, 3, 1]), ("30%", 10, [3, 3, 3, 1]), ("1%", 10, [1] * 10),
    ([1, "50%"], 10, [1, 5, 4]), ([1, 2], 6, [1, 2, 2, 1]), ("100%", 4, [4]), ([], 4, [4]), (99, 4, [4]),
])
def test_serial_sizes(serial, total, sizes):
    assert serial_sizes(serial, total) == sizes


FAULTS = [
    ("malformed", SyntaxFault("x"), 4), ("a keyword", ContentError("x", code="keyword"), 4),
    ("a template", UndefinedVariable("x"), 4), ("an inventory", InventoryFault("x"), 4),
    ("a missing file", ContentError("x", code="file_missing"), 1),
    ("a missing role", ContentError("x", code="role_missing"), 1),
    ("a missing inventory", InventoryFault("x", code="file_missing"), 1), ("a vault", VaultError("x"), 1),
    ("a store", StoreError("x"), 1), ("a command line", UsageError("x"), 1),
    ("several", Faults([ContentError("x", code="role_missing"), SyntaxFault("x")]), 4),
    ("several that are missing", Faults([ContentError("x", code="role_missing")]), 1),
]


@pytest.mark.parametrize(("error", "code"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_what_ansibles_parser_refuses_is_4_and_what_is_missing_1(error, code):
    assert recap.error_code(error) == code
