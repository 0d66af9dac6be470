"""Paths that come from outside: relative, within their tree, and no symbolic link leads out of it."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.refusals import Malformed, NotFound

LONGEST_PATH = 500


def checked_path(path: str, field: str = "path") -> str:
    """``path`` as it is, when it is relative and stays below where it begins. Raises `Malformed`. Pure."""
    parts = path.split("/")
    wrong = None
    if not path or len(path) > LONGEST_PATH:
        wrong = f"has 1 to {LONGEST_PATH} characters"
    elif path.startswith(("/", "-", "~")) or "\\" in path or "," in path:
        wrong = "is relative to the project, does not begin with '-' or '~', and has no comma or backslash"
    elif any(part in ("", ".", "..", ".git") for part in parts):
        wrong = "has no empty part, no '.', '..' or '.git'"
    elif not path.isprintable():
        wrong = "holds control characters"
    if wrong:
        raise Malformed(f"{path[:80]!r} is no path within a project", code="path", fields=[(field, wrong)])
    return path


class Tree:
    """The files of a project as they are at one commit, or now."""

    def __init__(self, root: Path, name: str = "", runs_here: bool = False) -> None:
        self.root = Path(os.path.realpath(root))
        self.name = name
        self.runs_here = runs_here
        """Whether what is in them may run on the server itself."""

    def file(self, path: str) -> Path:
        """The file or folder at a path that came from outside.

        Raises `Malformed` for one that is no path within a project, `NotFound` where there is nothing, or where a link
        leads out of the tree.
        """
        full = self.root / checked_path(path)
        if not self.holds(full) or not full.exists():
            raise NotFound(f"there is no {path!r} in the project {self.name!r}")
        return full

    def holds(self, full: str | os.PathLike[str]) -> bool:
        """Whether a path below the tree is there in truth, when all links are followed."""
        real = os.path.realpath(full)
        return real == str(self.root) or real.startswith(f"{self.root}{os.sep}")

    def relative(self, full: str | os.PathLike[str]) -> str:
        return os.path.relpath(full, self.root)
