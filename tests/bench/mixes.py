"""The mixes of tasks that are compared: twenty tasks each, the same for every engine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import account, supplies, trees
from tests.lab.loopback import LoopbackSshd

TASKS = 20
SUDO_NEEDS = {"apt-get": "apt", "git": "git", "tar": "tar", "curl": "curl (pyinfra downloads with it)"}
PYTHON_APT = Path("/usr/lib/python3/dist-packages/apt")
"""Ansible's `apt` would install it when it is absent, and change the machine."""


@dataclass(frozen=True)
class Mix:
    name: str
    label: str
    playbook: str
    """Below work/; the same in pyinfra's words is beside it, ``NAME_pyinfra.py``."""
    expected: Callable[[str, int], trees.Tree]
    """(host's label, uid of its files) -> what must be in its folder afterwards."""
    missing: Callable[[], str | None]
    """Why it cannot run here; None when it can."""
    is_through_sudo: bool = False

    @property
    def title(self) -> str:
        return f"{self.label}, {TASKS} mixed tasks"

    def faults(self, place: Path) -> list[str]:
        """Paths in a host's folder that are not as they should be; a missing folder is its own fault."""
        if not place.is_dir():
            return ["."]
        uid = 0 if self.is_through_sudo else os.geteuid()
        return trees.differences(trees.read(place), self.expected(place.name, uid))

    @contextmanager
    def hosts_side(self, folder: Path) -> Iterator[tuple[LoopbackSshd, dict[str, str]]]:
        """An sshd for this mix, and the inventory variables its tasks need. All of it is gone at the end."""
        if not self.is_through_sudo:
            with LoopbackSshd(folder / "sshd", adopts_orphans=True) as sshd:
                yield sshd, {}
            return
        folder.chmod(0o711)  # the login's home is below
        with (account.sudo_account(folder / "home") as login,
              LoopbackSshd(folder / "sshd", user=login.name, adopts_orphans=True) as sshd,
              supplies.supplied(folder / "supplies") as variables):
            yield sshd, variables


def _missing_for_sudo() -> str | None:
    reason = account.missing()
    if reason:
        return reason
    absent = [name for program, name in SUDO_NEEDS.items() if shutil.which(program) is None]
    if not PYTHON_APT.is_dir():
        absent.append("python3-apt")
    return f"not installed: {', '.join(absent)}" if absent else None


PLAIN = Mix("plain", "as who logs in", "twenty.yml", trees.plain, lambda: None)
SUDO = Mix("sudo", "through sudo", "fleet.yml", trees.fleet, _missing_for_sudo, is_through_sudo=True)

MIXES = {mix.name: mix for mix in (PLAIN, SUDO)}
