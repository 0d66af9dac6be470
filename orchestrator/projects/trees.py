"""The trees of a git project's commits that no run needs any more."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from orchestrator.projects.urls import COMMIT

KEPT = 3
AGE_S = 7 * 86_400


def forget_trees(folder: Path, commit: str, used: Sequence[str]) -> list[str]:
    """Delete trees below a project's folder; returns their commits.

    What stays: the one of ``commit``, the newest few, those of a week, and those that hold a folder of ``used``: of
    runs that wait, run, or may be resumed.
    """
    there = [path for path in (folder / "trees").iterdir() if COMMIT.fullmatch(path.name)]
    there = [path for path in there if path.name != commit]
    there.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    gone = []
    for path in there[KEPT - 1:]:
        is_old = time.time() - path.stat().st_mtime > AGE_S
        if is_old and not any(Path(one).is_relative_to(path) for one in used):
            shutil.rmtree(path, ignore_errors=True)
            gone.append(path.name)
    return gone
