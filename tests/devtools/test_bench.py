"""What `./dev bench` says of a budget: it holds, it is over, or it was not measured; never one for another."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console
from rich.table import Table

from devtools import bench
from tests.bench.compare import Outcome
from tests.bench.measure import Cost
from tests.bench.mixes import PLAIN


def text_of(table: Table) -> str:
    console = Console(width=120, record=True, file=StringIO())
    console.print(table)
    return console.export_text()


def outcome(hosts: int, exit_code: int = 0, engine: str = "orch") -> Outcome:
    return Outcome(engine, hosts, Cost(1.0, 1.0, 1 << 20, 1 << 20, exit_code), 1.0, hosts, "")


@pytest.mark.parametrize("outcomes", [
    pytest.param([outcome(10)], id="one number of hosts"),
    pytest.param([outcome(10), outcome(10)], id="the same number twice"),
    pytest.param([outcome(1), outcome(10, exit_code=2)], id="one of two was not complete"),
    pytest.param([outcome(1, engine="pyinfra"), outcome(10, engine="pyinfra")], id="orch was not among the engines"),
    pytest.param([], id="nothing"),
])
def test_what_was_not_measured_is_not_over(outcomes: list[Outcome]) -> None:
    text = text_of(bench.budgets_table(outcomes, PLAIN, 1.0))
    assert "not measured" in text and "OVER" not in text and "holds" not in text


def test_what_was_measured_holds_or_is_over() -> None:
    text = text_of(bench._budgets([("a", "1 s", "0.5 s", True), ("b", "1 s", "2 s", False)]))
    assert "holds" in text and "OVER" in text and "not measured" not in text
