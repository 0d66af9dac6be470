"""A play on one batch of hosts: one step at a time, whichever strategy says who takes it.

A step is a task and the hosts that do it now. What follows from the results (registered names, failures, includes,
handlers) happens here, after they are stored; who goes next is for `linear` and `free`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.engine import effects
from orchestrator.engine.cursor import Cursor
from orchestrator.engine.events import TaskDone, TaskStarted
from orchestrator.engine.hosts import HostState
from orchestrator.engine.includes import Includer
from orchestrator.engine.metas import Metas
from orchestrator.engine.role_runs import enter_role, left_role
from orchestrator.engine.task_runner import Outcome, TaskRunner
from orchestrator.errors import OrchError

if TYPE_CHECKING:
    from orchestrator.engine.context import PlayContext, RunContext
    from orchestrator.playbook.model import Block, Task

INCLUDES = frozenset({"include_tasks", "include_role", "include"})
ONCE = frozenset({"add_host", "pause"})


class PlayRunner:
    """Carries out steps for one batch."""

    def __init__(self, run: RunContext, play: PlayContext, nodes: Sequence[Task | Block],
                 selected: Callable[[Task], bool]) -> None:
        self.run = run
        self.play = play
        self._perform = TaskRunner(run, play)
        self._includer = Includer(run, play)
        self._metas = Metas(run, play)
        self._selected = selected
        self._forks = asyncio.Semaphore(run.options.forks) if run.options.forks > 0 else None
        for host in play.batch:
            host.cursor = self._cursor(host, nodes)

    def _cursor(self, host: HostState, nodes: Sequence[Task | Block]) -> Cursor:
        handlers = self.play.handlers

        def wanted(task: Task) -> bool:
            due = handlers.due(host, task)
            return self._selected(task) if due is None else due and self._selected(task)

        return Cursor(nodes, wanted=wanted, enter=lambda b: enter_role(host, b), left=lambda b: left_role(host, b))

    # Steps

    async def step(self, task: Task, hosts: list[HostState]) -> None:
        """Do ``task`` on ``hosts``, each of which has it next; afterwards each stands behind it, or has failed."""
        for host in hosts:
            self.play.handlers.taken(host, task)
        if task.action == "meta" and not task.loop:
            await self._metas(task, hosts)
            return
        doers = hosts[:1] if self._once(task, hosts[0]) else hosts
        self._announce(task, doers)
        shared = len(doers) < len(hosts)
        outcomes = await self._gather(task, doers)
        if task.action in INCLUDES:
            self._includer.load(task, hosts, outcomes, shared=shared)
        await self.run.commit()
        self._settle(task, hosts, outcomes, shared=shared)

    def _once(self, task: Task, host: HostState) -> bool:
        if task.action in ONCE:
            return True
        if task.run_once is None:
            return False
        return bool(self._keyword(task.run_once, host, task))

    def _keyword(self, value: Any, host: HostState, task: Task) -> Any:
        if value is None or isinstance(value, bool):
            return value
        return self.run.engine.render(value, self.run.variables.scope(host.name, play=self.play.play, task=task),
                                      task.origin)

    def _announce(self, task: Task, hosts: list[HostState]) -> None:
        self.run.emit(TaskStarted(
            task_id=task.id, name=self.name_of(task, hosts[0]), module=task.action, origin=task.origin,
            hosts=tuple(h.name for h in hosts), handler=task.handler, role=task.role.name if task.role else None,
        ))

    def name_of(self, task: Task, host: HostState) -> str:
        """The task's name for people; a name that cannot be rendered is shown as written."""
        if task.name is None:
            return task.action_written
        try:
            return str(self._keyword(task.name, host, task))
        except OrchError:
            return str(getattr(task.name, "source", task.name))

    async def _gather(self, task: Task, hosts: list[HostState]) -> list[Outcome]:
        paths = [h.visit(task) for h in hosts]
        limit = self._limit(task, hosts[0])
        if len(hosts) == 1 and limit is None:
            return [await self._perform(hosts[0], task, paths[0])]
        if limit is None:
            return await asyncio.gather(*(self._perform(h, task, p) for h, p in zip(hosts, paths, strict=True)))

        async def bounded(host: HostState, path: str) -> Outcome:
            async with limit:
                return await self._perform(host, task, path)

        return await asyncio.gather(*(bounded(h, p) for h, p in zip(hosts, paths, strict=True)))

    def _limit(self, task: Task, host: HostState) -> asyncio.Semaphore | None:
        if task.throttle is None:
            return self._forks
        count = int(self._keyword(task.throttle, host, task) or 0)
        if count <= 0 or (self._forks is not None and count >= self.run.options.forks):
            return self._forks
        if task.id not in self.play.throttles:
            self.play.throttles[task.id] = asyncio.Semaphore(count)
        return self.play.throttles[task.id]

    # What follows

    def _settle(self, task: Task, hosts: list[HostState], outcomes: list[Outcome], *, shared: bool) -> None:
        for outcome in outcomes:
            followers = hosts if shared else [outcome.host]
            if outcome.result.status not in ("unreachable", "lost"):
                self._apply(task, followers, outcome)
            self.run.emit(TaskDone(outcome.result, looped=outcome.looped))
        if task.action in INCLUDES:
            self._includer.push(task)
        for outcome in outcomes:
            self._move(task, hosts if shared else [outcome.host], outcome)

    def _apply(self, task: Task, hosts: list[HostState], outcome: Outcome) -> None:
        delegate_facts = bool(outcome.delegate) and bool(self._keyword(task.delegate_facts, outcome.host, task))
        effects.apply(self.run, task, [h.name for h in hosts], outcome.value, delegate=outcome.delegate,
                      delegate_facts=delegate_facts)
        if task.notify and outcome.value.get("changed") and not outcome.failed:
            self._notify(task, hosts, outcome)

    def _notify(self, task: Task, hosts: list[HostState], outcome: Outcome) -> None:
        try:
            names = [str(n) for value in task.notify for n in _listed(self._notified(value, outcome, task))]
            for host in hosts:
                outcome.result.notified = self.play.handlers.notify(host, names)
        except OrchError as error:
            error.origin = error.origin or task.origin
            if self.run.options.error_on_missing_handler or error.code != "handler_missing":
                raise
            self.run.notice(error.message, origin=task.origin)

    def _notified(self, value: Any, outcome: Outcome, task: Task) -> Any:
        return self.run.engine.render(value, outcome.scope, task.origin)

    def _move(self, task: Task, hosts: list[HostState], outcome: Outcome) -> None:
        """Each host goes on behind the task, into a rescue, or out of the play."""
        if outcome.unreachable:
            # A delegate that cannot be reached leaves the host itself in place only where that was asked for.
            outcome.host.unreachable = True
            outcome.host.wrong = task
            outcome.host.cursor.finish()
            hosts = [h for h in hosts if h is not outcome.host]
            if not hosts:
                return
        for host in hosts:
            if outcome.failed:
                self.fail(host, outcome)
            elif not outcome.host.unreachable or host is not outcome.host:
                self._advance(host, task)

    def _advance(self, host: HostState, task: Task) -> None:
        step = host.cursor.peek()
        if step is not None and step.task is task:
            host.cursor.advance()

    def fail(self, host: HostState, outcome: Outcome | None) -> None:
        """The host failed here: a rescue or always comes next, or the host is out."""
        if outcome is not None:
            host.wrong = outcome.task
        if outcome is not None and host.cursor.rescuing_blocks():
            self._remember(host, outcome)
        host.cursor.fail()
        self.check_end(host)

    def _remember(self, host: HostState, outcome: Outcome) -> None:
        """``ansible_failed_task`` and ``ansible_failed_result``, for the rescue that comes."""
        task = {"name": outcome.result.task_name, "action": outcome.task.action_written, "args": dict(outcome.task.args)}
        self.run.variables.register(host.name, "ansible_failed_task", effects.plain(task))
        self.run.variables.register(host.name, "ansible_failed_result", outcome.value)

    def check_end(self, host: HostState) -> None:
        """Whether the host's way has come to a bad end (an ``always`` may still have been run after the failure)."""
        if host.cursor.peek() is None and host.cursor.failed:
            host.failed = True


def _listed(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]
