"""The ``meta`` tasks: what they do to hosts and plays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from orchestrator.engine.hosts import HostState
from orchestrator.errors import OrchError, TaskFault
from orchestrator.events import TaskStarted

if TYPE_CHECKING:
    from orchestrator.engine.context import PlayContext, RunContext
    from orchestrator.model import Task

Act = Callable[["Task", list[HostState]], Awaitable[None]]


class Metas:
    """Carries out a ``meta`` for the hosts that have it next, and moves them on."""

    def __init__(self, run: RunContext, play: PlayContext) -> None:
        self._run = run
        self._play = play
        self._acts: dict[str, Act] = {
            "flush_handlers": self._flush, "noop": self._noop, "clear_facts": self._clear_facts,
            "clear_host_errors": self._clear_host_errors, "end_play": self._end_all, "end_host": self._end_host,
            "end_batch": self._end_all, "end_role": self._end_role, "refresh_inventory": self._refresh,
            "reset_connection": self._reset,
        }

    async def __call__(self, task: Task, hosts: list[HostState]) -> None:
        word = str(task.args.get("free_form") or task.args.get("_raw_params") or "").strip()
        act = self._acts.get(word)
        if act is None:
            raise TaskFault(f"invalid meta action requested: {word}", origin=task.origin, code="meta")
        due = [h for h in hosts if self._holds(task, h)] if task.when else hosts
        for host in hosts:
            if host not in due:
                host.cursor.advance()
        if due:
            if not task.implicit and word not in ("flush_handlers", "noop"):
                self._tell(task, due)
            await act(task, due)

    def _holds(self, task: Task, host: HostState) -> bool:
        scope = self._run.variables.scope(host.name, play=self._play.play, task=task)
        return all(self._run.engine.condition(c.expression, scope, c.origin) for c in task.when)

    def _tell(self, task: Task, hosts: list[HostState]) -> None:
        name = task.name if isinstance(task.name, str) else task.action_written
        self._run.emit(TaskStarted(task.id, name, "meta", task.origin, tuple(h.name for h in hosts),
                                   role=task.role.fqcn if task.role else None))

    async def _noop(self, task: Task, hosts: list[HostState]) -> None:
        for host in hosts:
            host.cursor.advance()

    async def _flush(self, task: Task, hosts: list[HostState]) -> None:
        """All handlers come next; those that are not due on a host are passed over when their turn comes."""
        for host in hosts:
            self._play.handlers.summon(host)
            if host.notified:
                host.cursor.push(self._play.handlers.nodes)
            else:
                host.cursor.advance()

    async def _clear_facts(self, task: Task, hosts: list[HostState]) -> None:
        for host in hosts:
            self._run.variables.clear_facts(host.name)
        await self._noop(task, hosts)

    async def _clear_host_errors(self, task: Task, hosts: list[HostState]) -> None:
        for host in self._play.batch:
            host.failed = host.unreachable = False
            host.cursor.forgive()
        self._run.removed.difference_update(self._play.all_hosts)
        self._run.failed_hosts.difference_update(self._play.all_hosts)
        await self._noop(task, hosts)

    async def _end_all(self, task: Task, hosts: list[HostState]) -> None:
        """``end_play`` and ``end_batch``: nobody goes on, and nobody has failed."""
        for host in self._play.batch:
            if host.active:
                host.ended = True
                host.cursor.finish()
        if "end_play" in str(task.args.get("_raw_params", task.args.get("free_form"))):
            self._play.ended = True

    async def _end_host(self, task: Task, hosts: list[HostState]) -> None:
        for host in hosts:
            host.ended = True
            host.cursor.finish()

    async def _end_role(self, task: Task, hosts: list[HostState]) -> None:
        for host in hosts:
            host.cursor.leave_role()

    async def _refresh(self, task: Task, hosts: list[HostState]) -> None:
        """The sources are read again, off the loop: scripts and clouds take their time. The play loses the hosts that
        are gone, and gets no new ones."""
        run = self._run
        if run.reload_inventory is not None:
            run.inventory.refresh(await asyncio.to_thread(run.reload_inventory))
            run.variables.inventory_reloaded()
            run.links.forget()
            for host in self._play.batch:
                if host.active and run.inventory.host(host.name) is None:
                    host.ended = True
                    host.cursor.finish()
        await self._noop(task, [host for host in hosts if host.active])

    async def _reset(self, task: Task, hosts: list[HostState]) -> None:
        from orchestrator.engine.call import Call

        for host in hosts:
            scope = self._run.variables.scope(host.name, play=self._play.play, task=task)
            call = Call(self._run, self._play, host, task, scope, {}, False, False, False, "")
            try:
                await self._run.links.reset(call.target())
            except OrchError as error:
                self._run.notice(error.message, host=host.name)
        await self._noop(task, hosts)


