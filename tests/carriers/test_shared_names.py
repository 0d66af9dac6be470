"""Names that all hosts report are kept once; what a host returned stays what it was."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from orchestrator.carriers.shared_names import SHORT, share_names


@pytest.mark.parametrize(
    "value",
    [
        {"mode": "0644", "size": 3, "exists": True, "owner": None, "load": 0.5},
        {"files": [{"path": "/etc/motd"}, {"path": "x" * (SHORT + 1)}, ["a", []], {}]},
        {"odd \udcff name": "odd \udcff value", "": ""},
        [{"a": {"b": {"c": "d"}}}],
        "text", 7, None,
    ],
    ids=["flat", "nested", "not UTF-8", "deep", "a text", "a number", "nothing"],
)  # fmt: skip
def test_the_value_is_equal_before_and_after_and_keeps_its_order(value: Any) -> None:
    before = copy.deepcopy(value)
    share_names(value)
    assert value == before
    assert json.dumps(value) == json.dumps(before)


def test_two_hosts_have_the_same_copy_of_names_and_short_texts() -> None:
    one, other = (json.loads('{"checksum_kind": "sha-256", "in": [{"gr_name": "staff-group"}]}') for _ in range(2))
    share_names(one)
    share_names(other)
    assert [id(key) for key in one] == [id(key) for key in other]
    assert one["checksum_kind"] is other["checksum_kind"]
    assert one["in"][0]["gr_name"] is other["in"][0]["gr_name"]
    assert one["in"][0] is not other["in"][0]
