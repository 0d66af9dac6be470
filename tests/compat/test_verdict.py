"""A case passes only when exit status, recap, progress and messages are as they were under Ansible."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.compat.cases import Case
from tests.compat.recap import parse_counters
from tests.compat.verdict import Ended, fault

CASE = Case("pb/a", "engine", "a", 60, playbook="a.yml", prints=("hello",),
            recap={"h": parse_counters("ok=2 changed=1")})
ROLE = Case("role/a", "engine", "a", 60, least_ok=3)
RECAP = "PLAY RECAP ***\nh : ok=2 changed=1 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0\n"
GOOD = Ended(0, f"hello\n{RECAP}")


def test_what_is_as_recorded_passes() -> None:
    assert fault(CASE, GOOD) == ""


@pytest.mark.parametrize(("case", "ended", "told"), [
    pytest.param(CASE, Ended(None, GOOD.output), "hung", id="no end"),
    pytest.param(CASE, Ended(2, "fatal: [h]: broken\n"), "exit 2, not 0: fatal: [h]: broken", id="exit status"),
    pytest.param(replace(CASE, exit="nonzero"), GOOD, "exit 0, not nonzero", id="a failure that did not come"),
    pytest.param(replace(CASE, exit=4), Ended(2, GOOD.output), "exit 2, not 4", id="another failure"),
    pytest.param(CASE, Ended(0, "hello"), "no recap", id="no recap"),
    pytest.param(replace(CASE, exit="nonzero"), Ended(1, "error: no such file"), "no recap: error: no such file",
                 id="a failure before the play proves nothing"),
    pytest.param(CASE, Ended(0, f"hello\n{RECAP.replace('ok=2', 'ok=1')}"), "h ok=1, not 2", id="another counter"),
    pytest.param(CASE, Ended(0, f"hello\n{RECAP.replace('h :', 'other :')}"), "h ok=None, not 2",
                 id="a host is missing"),
    pytest.param(CASE, Ended(0, RECAP), "not printed: hello", id="a phrase is missing"),
    pytest.param(ROLE, Ended(0, RECAP), "only 2 tasks ok, not 3", id="tasks were skipped"),
])
def test_every_difference_is_a_fault_that_is_told(case: Case, ended: Ended, told: str) -> None:
    assert told in fault(case, ended)


def test_an_expected_failure_passes() -> None:
    recap = RECAP.replace("failed=0", "failed=1")
    case = replace(CASE, exit="nonzero", recap={"h": parse_counters("ok=2 changed=1 failed=1")}, prints=())
    assert fault(case, Ended(2, recap)) == ""
