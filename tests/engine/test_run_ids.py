"""What names a run, and sorts them."""

from __future__ import annotations

import time

from orchestrator.engine.setup import new_run_id


def test_runs_of_one_second_sort_as_they_began() -> None:
    made = []
    for _ in range(50):
        made.append(new_run_id())
        time.sleep(0.001)
    assert made == sorted(made) and len(set(made)) == 50
