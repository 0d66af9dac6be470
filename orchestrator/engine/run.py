"""A run: its plays in order, each in its batches, to a recap and an exit code."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from inventory import InventoryError
from orchestrator.engine import recap as counting
from orchestrator.engine.apart import run_batch
from orchestrator.engine.context import PlayContext, RunContext
from orchestrator.engine.free import run_free
from orchestrator.engine.handlers import Handlers
from orchestrator.engine.hosts import Batch, HostState, serial_sizes
from orchestrator.engine.linear import run_linear
from orchestrator.engine.play_nodes import nodes_of, selector
from orchestrator.engine.play_runner import PlayRunner
from orchestrator.engine.prompts import ask
from orchestrator.errors import Cancelled, ContentError, InventoryFault, OrchError, StoreError, UsageError
from orchestrator.events import (
    Event,
    HostRecap,
    PlayEnded,
    PlaySkipped,
    PlayStarted,
    RunEnded,
    RunStarted,
    TaskDone,
)

if TYPE_CHECKING:
    from orchestrator.model import Play, Playbook

STRATEGIES = {"linear": run_linear, "free": run_free, "host_pinned": run_free, "debug": run_linear}


class Run:
    """Takes a playbook over an inventory. `execute` returns what it came to; it raises only what ends a whole run."""

    def __init__(self, context: RunContext, playbook: Playbook, *, resumed: bool = False) -> None:
        self.context = context
        self.playbook = playbook
        self.resumed = resumed
        self.recaps: dict[str, HostRecap] = {}
        self._emit = context.emit
        context.emit = self._count

    def _count(self, event: Event) -> None:
        if isinstance(event, TaskDone):
            counting.count(self.recaps.setdefault(event.result.host, HostRecap()), event.result)
        self._emit(event)

    async def execute(self) -> RunEnded:
        """Run every play. Connections are closed and the journal is written whatever happens."""
        began = time.monotonic()
        context = self.context
        self._emit(RunStarted(context.run_id, self.playbook.paths, tuple(context.inventory.hosts),
                              context.options.check, self.resumed, datetime.now(UTC)))
        error: OrchError | None = None
        well = False
        try:
            for play in self.playbook.plays:
                if context.stop.draining or await self._play(play):
                    break
            well = not context.stop.draining
        except Cancelled:
            pass  # stopped at a question: the run ends as any other that is stopped
        except StoreError:
            raise  # this is no end of it: what was not stored is owed, and a resume goes on from there
        except OrchError as fault:
            error = fault
        finally:
            try:
                await context.commit()
            finally:
                await context.links.close(keep=well)
        ended = self._ended(time.monotonic() - began, error)
        self._emit(ended)
        if error is not None:
            raise error
        return ended

    def _ended(self, duration_s: float, error: OrchError | None) -> RunEnded:
        failed = any(r.failed for r in self.recaps.values())
        unreachable = any(r.unreachable for r in self.recaps.values())
        code = counting.exit_code(self.recaps, failed=self._any_failed(failed), unreachable=unreachable,
                                  interrupted=self.context.stop.draining, pending=bool(self.context.pending))
        status = counting.status_word(code)
        if error is not None:
            code, status = counting.error_code(error), "failed"
        return RunEnded(self.context.run_id, status, self.recaps, duration_s, code,
                        left=tuple(self.context.left), pending=tuple(self.context.pending),
                        stats=self.context.custom_stats)

    def _any_failed(self, counted: bool) -> bool:
        return bool(self.context.failed_hosts) or (counted and bool(self.context.removed))

    # A play

    async def _play(self, play: Play) -> bool:
        """Run one play; True when the playbook ends with it."""
        context = self.context
        name = self._name(play)
        matched = self._hosts(play)
        hosts = [h for h in matched if h not in context.out]
        if not hosts:
            self._emit(PlaySkipped(play.id, name, "no hosts matched"))
            return False
        await ask(context, play)
        sizes = serial_sizes(self._keyword(play, play.serial), len(hosts))
        first = 0
        for number, size in enumerate(sizes):
            batch_hosts = [h for h in hosts[first:first + size] if h not in context.out]
            first += size
            if not batch_hosts:
                continue
            play_context = await self._batch(play, name, matched, batch_hosts, number, len(sizes))
            if context.stop.draining or play_context.broken or _all_out(play_context.batch):
                return True
            if play_context.ended:
                break
        return False

    async def _batch(self, play: Play, name: str, all_hosts: list[str], hosts: list[str], number: int,
                     total: int) -> PlayContext:
        context = self.context
        self._emit(PlayStarted(play.id, name, tuple(hosts), play.origin, number, total))
        batch = Batch({h: HostState(h) for h in hosts}, number, total)
        play_context = PlayContext(play, name, batch, tuple(all_hosts), Handlers((), self._play_text(play)))
        play_context.handlers.add(play.handlers)
        context.variables.enter_play(play, tuple(all_hosts), tuple(hosts), lambda: [h.name for h in batch.active()])
        nodes = nodes_of(context, play, force_handlers=self._forces_handlers(play))
        runner = PlayRunner(context, play_context, nodes, selector(context, play))
        await run_batch(runner, self._strategy(play))
        for host in batch:
            step = host.cursor.peek() if host.active else None
            if step is not None and context.stop.draining:
                context.left.append(f"{host.name}: stopped before '{runner.name_of(step.task, host)}'")
            if host.pending:
                context.pending[host.name] = None
                context.left.append(f"{host.name}: {host.pending}")
            if host.failed or host.unreachable:
                context.removed.add(host.name)
            if host.failed:
                context.failed_hosts.add(host.name)
        self._emit(PlayEnded(play.id))
        return play_context

    def _forces_handlers(self, play: Play) -> bool:
        wanted = self._keyword(play, play.force_handlers)
        return self.context.options.force_handlers if wanted is None else bool(wanted)

    def _strategy(self, play: Play) -> Any:
        word = str(self._keyword(play, play.strategy) or self.context.options.strategy).rpartition(".")[2]
        if word not in STRATEGIES:
            raise ContentError(f"there is no strategy {word!r}", origin=play.origin,
                               hint=f"one of {', '.join(sorted(STRATEGIES))}")
        return STRATEGIES[word]

    def _name(self, play: Play) -> str:
        if play.name is None:
            hosts = play.hosts
            return ",".join(map(str, hosts)) if isinstance(hosts, Sequence) and not isinstance(hosts, str) else str(
                getattr(hosts, "source", hosts))
        return str(self._keyword(play, play.name))

    def _keyword(self, play: Play, value: Any) -> Any:
        """A keyword of a play: rendered with what is known without a host (extra vars, the play's own vars)."""
        if value is None or isinstance(value, (str, int, bool, float)):
            return value
        return self.context.engine.render(value, self.context.variables.scope(None, play), play.origin)

    def _play_text(self, play: Play) -> Any:
        def text(value: Any) -> str:
            try:
                return str(self._keyword(play, value))
            except OrchError:
                return str(getattr(value, "source", value))

        return text

    def _hosts(self, play: Play) -> list[str]:
        context = self.context
        pattern = self._keyword(play, play.hosts)
        if isinstance(pattern, Sequence) and not isinstance(pattern, str):
            pattern = ",".join(str(p) for p in _flat(pattern))
        if not isinstance(pattern, str) or not pattern.strip():
            raise UsageError("Hosts list cannot be empty. Please check your playbook", origin=play.origin)
        order = self._keyword(play, play.order)
        try:
            selection = context.inventory.select(pattern, context.options.limit, str(order) if order else None)
        except InventoryError as error:
            raise InventoryFault(error.message, origin=play.origin, hint=error.hint) from error
        for warning in selection.warnings:
            context.notice(warning, origin=play.origin)
        return list(selection.hosts)


def _all_out(batch: Batch) -> bool:
    return len(batch) > 0 and all(h.failed or h.unreachable for h in batch)


def _flat(values: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        found += _flat(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return found
