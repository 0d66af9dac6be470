"""A few rounds of chaos for every change, in two minutes; `./dev chaos` plays as many as one likes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.chaos.rounds import run

ROUNDS = 12
LIMIT_S = 120.0


@pytest.fixture(scope="module")
def ends() -> float:
    return time.monotonic() + LIMIT_S


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_the_invariants_hold(seed: int, tmp_path: Path, ends: float) -> None:
    if time.monotonic() > ends:
        pytest.skip(f"the rounds before took {LIMIT_S:g} s: ./dev chaos --seed {seed}")
    verdict = run(seed, tmp_path)
    assert not verdict.faults, "\n".join([verdict.plan.text(), *verdict.faults, *verdict.remarks,
                                          f"repeat it: ./dev chaos --seed {seed}"])
