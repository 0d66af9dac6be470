"""The recorded cases: what of ansible-core's tests is run, and what Ansible itself did with it (``cases.yml``)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.compat.recap import Recap, parse_counters

FILE = Path(__file__).with_name("cases.yml")
GROUPS = ("engine", "lookups", "modules")
HOST = "@host"
"""In an inventory: the lab host, under the name testhost."""


@dataclass(frozen=True)
class Case:
    id: str
    group: str
    target: str
    limit_s: float
    playbook: str = ""
    """In the target's folder; empty when the target is a role, to be put into a play."""
    inventory: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    cut: dict[str, str] = field(default_factory=dict)
    local: bool = False
    gather_facts: bool = True
    exit: int | str = 0
    recap: Recap = field(default_factory=dict)
    least_ok: int = 0
    prints: tuple[str, ...] = ()

    @property
    def needs_host(self) -> bool:
        return not self.local and (not self.playbook or HOST in self.inventory)

    @property
    def slug(self) -> str:
        """The id as a file name."""
        return re.sub(r"[^\w.-]", "_", self.id)


def load(path: Path = FILE) -> list[Case]:
    return [_case(entry) for entry in yaml.safe_load(path.read_text())]


def select(cases: Sequence[Case], only: str | None = None, groups: Sequence[str] = GROUPS) -> list[Case]:
    """Those of ``groups`` whose id contains a match of the regular expression ``only``."""
    return [case for case in cases if case.group in groups and (not only or re.search(only, case.id))]


def _case(entry: dict[str, Any]) -> Case:
    recap = {host: parse_counters(text) for host, text in entry.get("recap", {}).items()}
    lists: dict[str, Any] = {name: tuple(entry[name]) for name in ("inventory", "args", "prints") if name in entry}
    fields: dict[str, Any] = {**entry, **lists, "recap": recap}
    return Case(**fields)
