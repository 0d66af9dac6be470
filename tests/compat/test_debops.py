"""DebOps' playbooks pass when the second run changes nothing that Ansible's second run does not change."""

from __future__ import annotations

import pytest

from tests.compat import debops
from tests.compat.invocation import NAME
from tests.compat.verdict import Ended


def ended(changed: int, exit: int | None = 0) -> Ended:
    return Ended(exit, f"PLAY RECAP ***\n{NAME} : ok=9 changed={changed} unreachable=0 failed=0\n")


@pytest.mark.parametrize(("again", "runs", "expected"), [
    pytest.param(0, [ended(5), ended(0)], "", id="nothing again"),
    pytest.param(0, [ended(5), ended(1)], "the second run changed 1, not 0", id="something again"),
    pytest.param(1, [ended(5), ended(1)], "", id="as Ansible does"),
    pytest.param(1, [ended(5), ended(2)], "the second run changed 2, not 1", id="more than Ansible does"),
    pytest.param(0, [ended(5, 2)], "run 1: exit 2: ", id="the first run fails"),
    pytest.param(0, [ended(5), ended(0, None)], "run 2: exit None: ", id="the second does not end"),
    pytest.param(0, [ended(5), Ended(0, "nothing")], "no recap", id="no recap"),
])
def test_what_is_wrong_with_two_runs(again: int, runs: list[Ended], expected: str) -> None:
    found = debops.fault(debops.Playbook("x", again), runs)
    assert found.startswith(expected) if expected else not found


@pytest.mark.parametrize(("only", "names"), [
    pytest.param(None, [playbook.name for playbook in debops.PLAYBOOKS], id="all"),
    pytest.param("sshd$", ["core", "sshd"], id="core comes before any"),
    pytest.param("core", ["core"], id="core alone"),
    pytest.param("lookup_", [], id="none"),
])
def test_core_comes_first_whatever_is_chosen(only: str | None, names: list[str]) -> None:
    assert [playbook.name for playbook in debops.selected(only)] == names
