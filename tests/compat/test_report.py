"""The report says what passed beside what Ansible needed, and its exit status forgives only what is written down."""

from __future__ import annotations

import pytest

from tests.compat import cases, report, roles
from tests.compat.report import Pair
from tests.compat.suite import Outcome


def outcome(id: str, fault: str = "", wall_s: float = 1.0, engine: str = "orch") -> Outcome:
    return Outcome(id, "engine", engine, fault, wall_s, wall_s / 2)


def test_an_outcome_stands_beside_ansible_s_of_the_same_case() -> None:
    ours, theirs, lone = outcome("b"), outcome("b", engine="ansible", wall_s=8), outcome("a")
    assert report.pairs([theirs, ours, lone]) == [Pair(lone), Pair(ours, theirs)]


def test_ratios_are_told_over_what_both_pass() -> None:
    rows = [
        Pair(outcome("a", wall_s=1), outcome("a", wall_s=2, engine="ansible")),
        Pair(outcome("b", wall_s=1), outcome("b", wall_s=8, engine="ansible")),
        Pair(outcome("c", "broken", wall_s=1), outcome("c", wall_s=1000, engine="ansible")),
        Pair(outcome("d", wall_s=1), outcome("d", "not installed", wall_s=1000, engine="ansible")),
        Pair(outcome("e", wall_s=1)),
    ]
    [wall, cpu] = report.times(rows)
    assert "4.0 times the wall time" in wall and "over 2 cases; in all 10 s beside 2 s" in wall
    assert "4.0 times the controller CPU" in cpu


def test_without_ansible_no_ratio_is_told() -> None:
    assert report.times([Pair(outcome("a"))]) == []


@pytest.mark.parametrize(("rows", "excused", "status"), [
    pytest.param([Pair(outcome("a"))], [], 0, id="all pass"),
    pytest.param([Pair(outcome("a", "broken"))], [], 1, id="one fails"),
    pytest.param([Pair(outcome("a", "broken"))], ["a"], 0, id="one fails that is written down"),
    pytest.param([Pair(outcome("a", "broken")), Pair(outcome("b", "broken"))], ["a"], 1, id="another fails besides"),
    pytest.param([], [], 1, id="nothing was run"),
])
def test_the_exit_status_forgives_what_is_written_down(rows: list[Pair], excused: list[str], status: int) -> None:
    assert report.exit_status(rows, excused) == status


def test_a_failure_that_is_written_down_is_shown_as_excused() -> None:
    shown = report.table([Pair(outcome("a", "broken")), Pair(outcome("b", "broken"))], {"a"})
    assert "excused" in shown[1] and "fail" in shown[2] and "broken" in shown[2]


def test_excuses_are_read_from_their_section_alone() -> None:
    table = "| case | why |\n| --- | --- |\n| `a/b#2` | it does |\n"
    document = f"| `x` | other table |\n\n## Cases that do not pass\n\n{table}\n## Next\n\n| `y` | not this |\n"
    assert report.excused(document) == {"a/b#2": "it does"}


def test_every_excuse_in_the_document_names_a_case() -> None:
    known = {case.id for case in cases.load()} | {role.id for role in roles.load()}
    assert set(report.excused(report.DOCUMENT.read_text())) <= known
