"""The two engines that are given the same command line, and the environment both see."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.compat import source


@dataclass(frozen=True)
class Engine:
    name: str
    command: Callable[[], list[str]]


def _orch() -> list[str]:
    return [str(Path(sys.executable).with_name("orch")), "run"]


def _ansible() -> list[str]:
    return [str(source.ansible_playbook())]


ORCH = Engine("orch", _orch)
ANSIBLE = Engine("ansible", _ansible)
ENGINES = {engine.name: engine for engine in (ORCH, ANSIBLE)}


def environment(scratch: Path) -> dict[str, str]:
    """Nothing of the user's own configuration takes part; state and caches go below ``scratch``.

    The environment with Ansible is last in PATH: modules that orch does not have come from there, as they would come
    from an operator's own.
    """
    home = scratch / "home"
    home.mkdir(parents=True, exist_ok=True)
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    return {
        **proxies, "PATH": f"{os.environ['PATH']}:{source.VENV / 'bin'}", "HOME": str(home),
        "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TERM": "dumb", "NO_COLOR": "1",
        "ANSIBLE_NOCOLOR": "1", "PYTHONUNBUFFERED": "1",
        "ORCH_STATE_DIR": str(scratch / "state"), "ANSIBLE_HOME": str(scratch / "ansible"),
        "ANSIBLE_DEPRECATION_WARNINGS": "0", "ANSIBLE_RETRY_FILES_ENABLED": "0",
    }
