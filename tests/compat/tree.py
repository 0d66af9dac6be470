"""A scratch copy of the tests, laid out as they expect: reachable as roles, and ``ansible-playbook`` on PATH."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path


class Tree:
    """``integration`` and ``targets`` are folders of the copy; ``bin`` goes to the front of PATH."""

    def __init__(self, folder: Path) -> None:
        self.integration = folder / "test" / "integration"
        self.targets = self.integration / "targets"
        self.bin = folder / "bin"

    @classmethod
    def make(cls, tests: Path, folder: Path, engine: Sequence[str]) -> Tree:
        """Copy ``tests``; some of them call ``ansible-playbook`` themselves, and get ``engine``."""
        tree = cls(folder)
        shutil.copytree(tests, folder / "test", symlinks=True)
        (tree.integration / "roles").symlink_to("targets")
        tree.bin.mkdir()
        wrapper = tree.bin / "ansible-playbook"
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(engine)} "$@"\n')
        wrapper.chmod(0o755)
        _make_scripts_executable(tree.integration)
        return tree

    def cut(self, target: str, cuts: Mapping[str, str]) -> None:
        """End each file where its pattern matches first."""
        for name, pattern in cuts.items():
            path = self.targets / target / name
            path.write_text(re.split(pattern, path.read_text(), maxsplit=1, flags=re.MULTILINE)[0])


def _make_scripts_executable(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.suffix in (".sh", ".py") and path.is_file() and not path.is_symlink() and _has_shebang(path):
            path.chmod(path.stat().st_mode | 0o111)


def _has_shebang(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"#!"
