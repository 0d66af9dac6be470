"""What every part of a run shares: one object, made at its start, and one for each play."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from orchestrator.engine.custom_stats import Collected
from orchestrator.engine.hosts import Batch
from orchestrator.errors import Origin
from orchestrator.events import Event, Notice

if TYPE_CHECKING:
    from inventory import Inventory
    from orchestrator.carriers.base import Connection
    from orchestrator.engine.files import FileDigests
    from orchestrator.engine.handlers import Handlers
    from orchestrator.engine.journal import Journal
    from orchestrator.engine.links import Links
    from orchestrator.engine.options import RunOptions
    from orchestrator.model import Play
    from orchestrator.playbook.loader import PlaybookLoader
    from orchestrator.template.engine import Engine
    from orchestrator.variables.store import VariableStore


class Stop:
    """How the operator wants the run to end. ``draining`` begins nothing new, ``stopping`` ends what runs on hosts."""

    def __init__(self) -> None:
        self.draining = False
        self.stopping = False
        self.leaving = False
        self._on_drain: dict[int, Callable[[], object]] = {}
        self._on_leave: dict[int, Callable[[], object]] = {}
        self._on_stop: dict[int, Callable[[], object]] = {}
        self._numbers = itertools.count()

    def drain(self) -> None:
        """Begin nothing new; waits and questions end."""
        self.draining = True
        _call_all(self._on_drain)
        self.leave()

    def stop(self) -> None:
        """Cancel every job that runs now as well; calling it again does no harm."""
        self.draining = self.stopping = True
        _call_all(self._on_drain)
        _call_all(self._on_stop)
        self.leave()

    def leave(self) -> None:
        """Wait no longer for hosts that have not called for their jobs: those stay in the mailbox."""
        self.leaving = True
        _call_all(self._on_leave)

    def watch(self, cancel: Callable[[], object]) -> Callable[[], None]:
        """Have ``cancel`` called when the run is stopped (at once if it is already); returns what ends the watch."""
        if self.stopping:
            cancel()
        return self._watch(self._on_stop, cancel)

    def watch_drain(self, end: Callable[[], object]) -> Callable[[], None]:
        """The same for a run that begins to drain."""
        if self.draining:
            end()
        return self._watch(self._on_drain, end)

    def watch_leave(self, leave: Callable[[], object]) -> Callable[[], None]:
        """The same for a run that waits no longer for hosts that are away."""
        if self.leaving:
            leave()
        return self._watch(self._on_leave, leave)

    def _watch(self, watchers: dict[int, Callable[[], object]], act: Callable[[], object]) -> Callable[[], None]:
        number = next(self._numbers)
        watchers[number] = act

        def end() -> None:
            watchers.pop(number, None)

        return end

    async def sleep(self, seconds: float) -> None:
        """Return when the time is over, or as soon as the run drains."""
        over = asyncio.Event()
        end = self.watch_drain(over.set)
        try:
            await asyncio.wait_for(over.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            end()


def _call_all(watchers: dict[int, Callable[[], object]]) -> None:
    for act in list(watchers.values()):
        act()


class RunContext(Struct, eq=False):
    """One run: what it was asked for and everything it works with."""

    run_id: str
    options: RunOptions
    inventory: Inventory
    variables: VariableStore
    engine: Engine
    loader: PlaybookLoader
    journal: Journal
    links: Links
    files: FileDigests
    emit: Callable[[Event], None]
    stop: Stop
    removed: set[str] = field(default_factory=set)
    """Hosts that failed or were lost: they take part in no further play."""
    failed_hosts: set[str] = field(default_factory=set)
    pending: dict[str, None] = field(default_factory=dict)
    """Hosts whose job waits in the mailbox: the run goes on without them, and they go on when it is resumed."""
    custom_stats: Collected = field(default_factory=dict)
    """What ``set_stats`` has collected."""
    started: bool = True
    """False until the task named by ``--start-at-task`` has come up."""
    left: list[str] = field(default_factory=list)
    """What a stopped run leaves behind, one sentence each."""
    interactive: bool = False
    asked: set[tuple[str, str | None]] = field(default_factory=set)
    """Notices given already, so that a thousand hosts do not repeat one."""

    reload_inventory: Callable[[], Inventory] | None = None
    """Reads the inventory's sources again; raises `InventoryFault`."""
    acknowledgements: list[tuple[Connection, str, int]] = field(default_factory=list)

    @property
    def out(self) -> set[str]:
        """Hosts that take part in nothing further."""
        return self.removed | self.pending.keys()

    def acknowledge(self, connection: Connection, job_id: str, attempt: int) -> None:
        """Tell the host that a job's results are safe: not now, but at the next commit (`acknowledge_all`)."""
        self.acknowledgements.append((connection, job_id, attempt))

    async def commit(self) -> None:
        """Store every result so far, then let the hosts drop their receipts."""
        due, self.acknowledgements = self.acknowledgements, []
        await self.journal.commit()
        for connection, job_id, attempt in due:
            connection.ack(job_id, attempt)

    def notice(self, message: str, *, level: str = "warning", host: str | None = None,
               origin: Origin | None = None) -> None:
        """Tell the person once."""
        if (message, host) not in self.asked:
            self.asked.add((message, host))
            self.emit(Notice(level, message, host, origin))


class PlayContext(Struct, eq=False):
    """One play and the batch of hosts that goes through it now."""

    play: Play
    name: str
    batch: Batch
    all_hosts: tuple[str, ...]
    handlers: Handlers
    throttles: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    included: dict[Any, Any] = field(default_factory=dict)
    """Files and roles included so far, by what was asked: hosts that include the same get the same tasks."""
    ended: bool = False
    """``meta: end_play``: no further batch."""
    broken: bool = False
    """Too many hosts failed: no further batch and no further play."""
