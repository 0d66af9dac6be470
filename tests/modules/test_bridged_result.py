"""Results of modules written for Ansible, found in what they print."""

from __future__ import annotations

import pytest

from modules.support.bridged_result import failed, parsed, plain

PRINTED = [
    ("alone", '{"a": 1}', {"a": 1}, ""),
    ("between lines", 'noise\n[ looks like a list]\n{"a": 1}\nmore\n', {"a": 1}, "more"),
    ("over several lines", '{\n  "a": {\n    "b": 1\n  }\n}\n', {"a": {"b": 1}}, ""),
    ("indented", '   {"a": 1}', {"a": 1}, ""),
    ("behind a brace that is none", '{ not json\n{"a": 1}', {"a": 1}, ""),
    ("text with a brace in it", 'a {b} c\n{"a": "{"}', {"a": "{"}, ""),
    ("two", '{"a": 1}\n{"b": 2}', {"a": 1}, '{"b": 2}'),
    ("none", "nothing here", None, ""),
    ("a list", "[1, 2]", None, ""),
    ("empty", "", None, ""),
    ("cut off", '{"a": [1, 2', None, ""),
]


@pytest.mark.parametrize(("text", "values", "behind"), [row[1:] for row in PRINTED], ids=[row[0] for row in PRINTED])
def test_the_result_is_found_between_other_lines(text: str, values: object, behind: str) -> None:
    assert parsed(text) == (values, behind)


@pytest.mark.parametrize(("values", "expected"), [
    ({}, False), ({"failed": True}, True), ({"failed": False, "rc": 1}, False), ({"rc": 1}, True), ({"rc": 0}, False),
    ({"rc": None}, False), ({"failed": "false"}, False), ({"failed": 1}, True),
], ids=str)
def test_a_return_code_counts_where_nothing_is_said(values: dict[str, object], expected: bool) -> None:
    assert failed(values) is expected


def test_ansibles_own_objects_become_plain() -> None:
    warning = {"event": {"msg": "mind", "__ansible_type": "Event"}, "__ansible_type": "WarningSummary"}
    old = {"event": {"msg": "old", "__ansible_type": "Event"}, "version": "9", "__ansible_type": "DeprecationSummary",
           "deprecator": {"resolved_name": "ns.coll", "__ansible_type": "PluginInfo"}}
    assert plain([warning, old, {"a": warning}]) == [
        "mind", {"msg": "old", "version": "9", "collection_name": "ns.coll"}, {"a": "mind"}]
