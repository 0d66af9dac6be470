"""Which trees of commits stay."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.projects.trees import forget_trees


def test_what_is_new_or_used_stays(tmp_path: Path) -> None:
    week = 8 * 86_400
    ages = {"1": 0, "2": 100, "3": week, "4": week + 1, "5": week + 2, "6": week + 3}
    for name, age in ages.items():
        folder = tmp_path / "trees" / (name * 40)
        folder.mkdir(parents=True)
        now = folder.stat().st_mtime
        os.utime(folder, (now - age, now - age))
    (tmp_path / "trees" / ".new-x").mkdir()
    gone = forget_trees(tmp_path, "1" * 40, [str(tmp_path / "trees" / ("5" * 40) / "ops")])
    assert [one[0] for one in gone] == ["4", "6"]
    assert sorted(path.name[:1] for path in (tmp_path / "trees").iterdir()) == [".", "1", "2", "3", "5"]
