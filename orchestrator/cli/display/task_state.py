"""What a live view knows of a task that runs: who is still out, what came of the others, what was shown. Pure."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct, field

from orchestrator.cli.display.styles import WORST_FIRST
from orchestrator.events import TaskResult, TaskStarted


class Repeated(Struct):
    """Something that a host said first and others said again, word by word."""

    first: str
    kind: str
    others: list[str] = field(default_factory=list)


class TaskState(Struct):
    """One task on the hosts that have begun it."""

    started: TaskStarted
    began: float
    """On the monotonic clock."""
    waiting: dict[str, None] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    reminder: str = ""
    said: dict[tuple[str, str], Repeated] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.started.role} : {self.started.name}" if self.started.role else self.started.name

    @property
    def done(self) -> int:
        return self.counts.total()

    @property
    def worst(self) -> str:
        return next((status for status in WORST_FIRST if self.counts.get(status)), "ok")

    def start(self, hosts: tuple[str, ...]) -> None:
        self.waiting.update(dict.fromkeys(hosts))

    def end(self, result: TaskResult) -> None:
        self.waiting.pop(result.host, None)
        self.counts["ignored" if result.ignored else "rescued" if result.rescued else result.status] += 1

    def is_new(self, kind: str, text: str, host: str) -> bool:
        """Whether no host has said this yet; if one has, ``host`` is remembered as one more."""
        known = self.said.get((kind, text))
        if known is None:
            self.said[kind, text] = Repeated(host, kind)
            return True
        if host != known.first and host not in known.others:
            known.others.append(host)
        return False
