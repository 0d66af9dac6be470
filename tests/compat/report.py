"""What is said at the end: a table of cases, totals, times beside Ansible's, and the exit status. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log
from pathlib import Path

from tests.compat.suite import Outcome

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "compat.md"
_EXCUSED = re.compile(r"^\|\s*`([^`]+)`\s*\|\s*(\S.*?)\s*\|", re.MULTILINE)
_HEADING = "## Cases that do not pass"


@dataclass(frozen=True)
class Pair:
    """One case by both engines; ``theirs`` is None when Ansible did not run it."""

    ours: Outcome
    theirs: Outcome | None = None

    @property
    def is_comparable(self) -> bool:
        return self.theirs is not None and self.ours.passed and self.theirs.passed


def pairs(outcomes: Sequence[Outcome]) -> list[Pair]:
    theirs = {outcome.id: outcome for outcome in outcomes if outcome.engine == "ansible"}
    ours = sorted((outcome for outcome in outcomes if outcome.engine == "orch"), key=lambda outcome: outcome.id)
    return [Pair(outcome, theirs.get(outcome.id)) for outcome in ours]


def lines(rows: Sequence[Pair], excused: Iterable[str]) -> list[str]:
    """The whole report."""
    return [*table(rows, set(excused)), "", *totals(rows), *times(rows)]


def table(rows: Sequence[Pair], excused: set[str]) -> list[str]:
    head = f"{'case':54} {'result':8} {'orch s':>7} {'CPU s':>6} {'Ansible s':>9} {'CPU s':>6}  first error"
    return [head, *(_row(pair, pair.ours.id in excused) for pair in rows)]


def _row(pair: Pair, is_excused: bool) -> str:
    ours, theirs = pair.ours, pair.theirs
    result = "pass" if ours.passed else "excused" if is_excused else "fail"
    other = f"{theirs.wall_s:9.1f} {theirs.cpu_s:6.1f}" if theirs else f"{'-':>9} {'-':>6}"
    remark = ours.fault or (f"Ansible: {theirs.fault}" if theirs and theirs.fault else "")
    return f"{ours.id:54} {result:8} {ours.wall_s:7.1f} {ours.cpu_s:6.1f} {other}  {remark[:160]}".rstrip()


def totals(rows: Sequence[Pair]) -> list[str]:
    passed = Counter(pair.ours.group for pair in rows if pair.ours.passed)
    every = Counter(pair.ours.group for pair in rows)
    by_group = [f"{group}: {passed[group]} of {number}" for group, number in sorted(every.items())]
    share = 100 * passed.total() / max(1, every.total())
    return ["; ".join(by_group), f"total: {passed.total()} of {every.total()} pass ({share:.1f} %)"]


def times(rows: Sequence[Pair]) -> list[str]:
    """How many times longer Ansible takes, over the cases that both pass; nothing when there is none."""
    both = [(pair.ours, pair.theirs) for pair in rows if pair.is_comparable and pair.theirs]
    if not both:
        return []
    return [
        f"Ansible takes {ratio:.1f} times the {what} of orch (geometric mean over {len(both)} cases; "
        f"in all {sum(theirs):.0f} s beside {sum(ours):.0f} s)"
        for what, ours, theirs in (
            ("wall time", [a.wall_s for a, _ in both], [b.wall_s for _, b in both]),
            ("controller CPU", [a.cpu_s for a, _ in both], [b.cpu_s for _, b in both]),
        )
        for ratio in [geometric_mean([their / max(our, 0.001) for our, their in zip(ours, theirs)])]
    ]


def geometric_mean(values: Sequence[float]) -> float:
    return exp(sum(log(value) for value in values) / len(values))


def excused(document: str) -> dict[str, str]:
    """Case -> reason: the rows below the heading in docs/compat.md that names what does not pass."""
    section = document.partition(_HEADING)[2].partition("\n## ")[0]
    return dict(_EXCUSED.findall(section))


def exit_status(rows: Sequence[Pair], excused: Iterable[str]) -> int:
    """0 when all pass but those excused; 1 otherwise, and when nothing was run."""
    failed = {pair.ours.id for pair in rows if not pair.ours.passed}
    return 1 if not rows or failed - set(excused) else 0
