"""A module's diff as a playbook finds it registered: one part by itself, or a list, as Ansible has it."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.engine.outcome import shaped

TEXT = {"before": "a\n", "after": "b\n"}
ATTRIBUTES = {"before": {"mode": "0644"}, "after": {"mode": "0600"}}


@pytest.mark.parametrize(("diff", "module", "registered"), [
    ([TEXT], "copy", [TEXT]),
    ([ATTRIBUTES], "copy", ATTRIBUTES),
    ([TEXT], "replace", TEXT),
    ([TEXT], "lineinfile", [TEXT]),
    ([TEXT, ATTRIBUTES], "lineinfile", [TEXT, ATTRIBUTES]),
    ([ATTRIBUTES], "file", ATTRIBUTES),
], ids=["contents", "attributes", "one-text", "listed", "two-parts", "state"])
def test_the_diff_has_the_shape_that_playbooks_expect(diff: list[Any], module: str, registered: Any) -> None:
    assert shaped(diff, module) == registered
