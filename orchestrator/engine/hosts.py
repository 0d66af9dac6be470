"""What the engine knows of a host while a run goes on, and of all hosts of a batch together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct, field

from orchestrator.engine.cursor import Cursor

if TYPE_CHECKING:
    from orchestrator.model import Task


class HostState(Struct, eq=False):
    """One host in one play. A host that is ``failed`` or ``unreachable`` takes part in no further play."""

    name: str
    cursor: Cursor = field(default_factory=lambda: Cursor(()))
    failed: bool = False
    unreachable: bool = False
    called: dict[str, None] = field(default_factory=dict)
    """Names and topics notified since the last flush."""
    notified: dict[int, None] = field(default_factory=dict)
    """Handlers that answered to them and have not run, by their place in the play's list."""
    roles_run: set[object] = field(default_factory=set)
    roles_begun: set[object] = field(default_factory=set)
    visits: dict[str, int] = field(default_factory=dict)
    """How often each task came up: tells repeats of one task (handlers, includes in loops) apart in the journal."""
    ended: bool = False
    pending: str = ""
    """Why the host is passed over: its job waits in the mailbox. The run can be gone on with when it has called in."""
    wrong: Task | None = None
    """The last task that failed here, rescued or not, or that could not reach the host."""

    @property
    def active(self) -> bool:
        return not (self.failed or self.unreachable or self.ended or self.pending)

    def visit(self, task: Task) -> str:
        """The journal path of the task coming up now; the first time it is empty."""
        count = self.visits.get(task.id, 0)
        self.visits[task.id] = count + 1
        return f"#{count}" if count else ""

    def unvisit(self, task: Task) -> None:
        """The task came up, but its turn did not come: it comes up again under the same path."""
        self.visits[task.id] -= 1


class Batch(Struct):
    """The hosts that go through a play together: all of them, or one ``serial`` slice."""

    hosts: dict[str, HostState]
    number: int = 0
    total: int = 1

    def active(self) -> list[HostState]:
        return [h for h in self.hosts.values() if h.active]

    def __iter__(self) -> Iterator[HostState]:
        return iter(self.hosts.values())

    def __len__(self) -> int:
        return len(self.hosts)


def serial_sizes(serial: object, total: int) -> list[int]:
    """Batch sizes for ``serial``: a number, a percentage, or a list of them whose last entry repeats.

    >>> serial_sizes([1, "50%"], 10)
    [1, 5, 4]
    """
    if serial is None or serial == []:
        return [total]
    steps = serial if isinstance(serial, list) else [serial]
    sizes: list[int] = []
    left = total
    position = 0
    while left > 0:
        size = _size(steps[min(position, len(steps) - 1)], total)
        size = left if size <= 0 else min(size, left)
        sizes.append(size)
        left -= size
        position += 1
    return sizes or [0]


def _size(step: object, total: int) -> int:
    text = str(step).strip()
    if text.endswith("%"):
        return max(1, int(float(text[:-1]) * total / 100)) if float(text[:-1]) > 0 else 0
    return int(text)
