"""A play on one batch of hosts: one step at a time, whichever strategy says who takes it.

A step is a task and the hosts that do it now. What follows from the results (registered names, failures, includes,
handlers) happens here, after they are stored; who goes next is for `linear` and `free`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from modules import registry
from orchestrator.engine import effects, plan
from orchestrator.engine.cursor import Cursor
from orchestrator.engine.hosts import HostState
from orchestrator.engine.includes import Includer
from orchestrator.engine.lane import Lane, NotRun
from orchestrator.engine.limits import enforce
from orchestrator.engine.metas import Metas
from orchestrator.engine.naming import written_name
from orchestrator.engine.play_nodes import knows_facts
from orchestrator.engine.role_runs import enter_role, left_role, worked_in
from orchestrator.engine.task_runner import Outcome, TaskRunner
from orchestrator.errors import OrchError, Pending, TaskFault, TemplateError
from orchestrator.events import TaskDone, TaskStarted
from orchestrator.template.omit import OMIT

if TYPE_CHECKING:
    from orchestrator.engine.context import PlayContext, RunContext
    from orchestrator.model import Block, Task

INCLUDES = frozenset({"include_tasks", "include_role", "include"})
ONCE = frozenset({"add_host", "pause"})
_KEYWORDS = ("check_mode", "diff", "no_log", "ignore_errors", "timeout", "notify", "retry_safe", "vars")


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
            if task is self.play.play.gather_task and knows_facts(self.run, host.name):
                return False
            due = handlers.due(host, task)
            if due is None:
                return task.handler or self._selected(task)
            return due  # whatever its tags: a task that was chosen has notified it

        return Cursor(nodes, wanted=wanted, enter=lambda b: enter_role(host, b), left=lambda b: left_role(host, b))

    # Steps

    async def step(self, task: Task, hosts: list[HostState], *, alone: bool = False) -> None:
        """Do ``task`` on ``hosts``, each of which has it next; afterwards each stands behind it, or has failed.

        What a ``run_once`` comes to is known to the whole batch, unless the host goes its way ``alone``.
        """
        for host in hosts:
            self.play.handlers.taken(host, task)
        if task.action == "meta" and not task.loop:
            await self._metas(task, hosts)
            return
        once = self._once(task, hosts[0])
        doers = hosts[:1] if once else hosts
        self._announce(task, doers)
        shared = len(doers) < len(hosts)
        outcomes = await self._gather(task, doers)
        if task.action in INCLUDES:
            self._includer.load(task, outcomes)
        await self.run.commit()
        told = [h for h in self.play.batch if h.active] if once and task.run_once and not alone else []
        self._settle(task, hosts, outcomes, shared=shared, told=told)

    async def segment(self, host: HostState) -> None:
        """Do what comes next on a host that waits for no other: a task, or several in one round trip.

        Each result is stored and takes effect as it arrives, in order, as if the tasks had been sent one by one.
        """
        tasks = self._segment(host)
        if len(tasks) == 1:
            await self.step(tasks[0], [host], alone=True)
            enforce(self, tasks[0], [host])
            return
        lane = Lane(len(tasks))
        paths = [host.visit(task) for task in tasks]
        doing = [asyncio.ensure_future(self._perform(host, task, path, lane, place))
                 for place, (task, path) in enumerate(zip(tasks, paths, strict=True))]
        try:
            for task, ending in zip(tasks, doing, strict=True):
                if not host.active or not self._comes_next(host, task):
                    break
                self.play.handlers.taken(host, task)
                self._announce(task, [host])
                outcome = await ending
                self._show(outcome)
                await self.run.commit()
                self._settle(task, [host], [outcome], shared=False)
                enforce(self, task, [host])
        except NotRun:
            pass  # the host was lost, or the run is stopping: what was not run is still before the cursor
        except Pending as pending:
            host.pending = pending.message
        finally:
            # What the host has done already is journaled, even if nothing here acts upon it any more.
            for task, end in zip(tasks, await asyncio.gather(*doing, return_exceptions=True), strict=True):
                if isinstance(end, (NotRun, Pending)):
                    host.unvisit(task)
            await self.run.commit()

    def _comes_next(self, host: HostState, task: Task) -> bool:
        step = host.cursor.peek()
        return step is not None and step.task is task

    def _segment(self, host: HostState) -> list[Task]:
        tasks = host.cursor.ahead(plan.MAX_TASKS)
        if len(tasks) < 2 or not plan.fits(tasks[0]) or self.run.stop.draining:
            return tasks[:1]
        return plan.segment(tasks, lambda task: self._uses(host, task), self._needs_receipt)

    def _uses(self, host: HostState, task: Task) -> frozenset[str]:
        """Every variable that the task depends on here, directly or through others."""
        parts = [task.args, task.name, task.environment, *[getattr(task, name) for name in _KEYWORDS]]
        expressions: list[Any] = [c.expression for c in (*task.when, *(task.changed_when or ()))]
        if task.action in ("assert", "debug"):
            expressions += [*_listed(task.args.get("that")), task.args.get("var")]
        scope = self.run.variables.scope(host.name, play=self.play.play, task=task)
        try:
            names = self.run.engine.depends(parts, scope)
            for text in expressions:
                names |= self.run.engine.depends(text, scope) if isinstance(text, str) else frozenset()
        except OrchError:
            return plan.ANYTHING  # it will fail, in its turn and with its place
        return names

    def _needs_receipt(self, task: Task) -> bool:
        if self.run.options.check or task.action in plan.INLINE:
            return False
        info = registry.describe(task.action)
        return info is None or not info.retry_safe

    def _once(self, task: Task, host: HostState) -> bool:
        if task.action in ONCE:
            return True
        if task.run_once is None:
            return False
        return bool(self._keyword(task.run_once, host, task))

    def _keyword(self, value: Any, host: HostState, task: Task) -> Any:
        if value is None or isinstance(value, bool):
            return value
        scope = self.run.variables.scope(host.name, play=self.play.play, task=task)
        found = self.run.engine.render(value, scope, task.origin)
        return None if found is OMIT else found

    def _announce(self, task: Task, hosts: list[HostState]) -> None:
        self.run.emit(TaskStarted(
            task_id=task.id, name=self.name_of(task, hosts[0]), module=task.action, origin=task.origin,
            hosts=tuple(h.name for h in hosts), handler=task.handler, role=task.role.fqcn if task.role else None,
        ))

    def name_of(self, task: Task, host: HostState) -> str:
        """The task's name for people; a name that cannot be rendered is shown as written."""
        name = written_name(task)
        try:
            return str(self._keyword(name, host, task))
        except OrchError:
            return str(getattr(name, "source", name))

    async def _gather(self, task: Task, hosts: list[HostState]) -> list[Outcome]:
        paths = [h.visit(task) for h in hosts]
        limit = self._limit(task, hosts[0])
        if len(hosts) == 1 and limit is None:
            found = [await self._done(hosts[0], task, paths[0])]
        elif limit is None:
            found = await asyncio.gather(*(self._done(h, task, p) for h, p in zip(hosts, paths, strict=True)))
        else:
            found = await asyncio.gather(*(self._within(limit, h, task, p) for h, p in zip(hosts, paths, strict=True)))
        return [outcome for outcome in found if outcome is not None]

    async def _within(self, limit: asyncio.Semaphore, host: HostState, task: Task, path: str) -> Outcome | None:
        async with limit:
            return await self._done(host, task, path)

    async def _done(self, host: HostState, task: Task, path: str) -> Outcome | None:
        """The outcome on one host, shown as soon as it is there: who looks on need not wait for the slowest host.

        None when the host is passed over.
        """
        try:
            outcome = await self._perform(host, task, path)
        except Pending as pending:
            self._passed_over(host, task, pending)
            return None
        if task.action not in INCLUDES:
            self._show(outcome)
        return outcome

    def _passed_over(self, host: HostState, task: Task, pending: Pending) -> None:
        """The play goes on without the host, which stands before the task; a resumed run finds its job again."""
        host.pending = pending.message
        host.unvisit(task)

    def _show(self, outcome: Outcome) -> None:
        self.run.emit(TaskDone(outcome.result, looped=outcome.looped))

    def _limit(self, task: Task, host: HostState) -> asyncio.Semaphore | None:
        if task.throttle is None:
            return self._forks
        count = self._throttle(task, host)
        if count <= 0 or (self._forks is not None and count >= self.run.options.forks):
            return self._forks
        if task.id not in self.play.throttles:
            self.play.throttles[task.id] = asyncio.Semaphore(count)
        return self.play.throttles[task.id]

    def _throttle(self, task: Task, host: HostState) -> int:
        try:
            return int(self._keyword(task.throttle, host, task) or 0)
        except (ValueError, TypeError, TemplateError) as error:
            raise TaskFault(f"Failed to convert the throttle value to an integer: {error}", code="throttle",
                            origin=task.origin) from error

    # What follows

    def _settle(self, task: Task, hosts: list[HostState], outcomes: list[Outcome], *, shared: bool,
                told: Sequence[HostState] = ()) -> None:
        for outcome in outcomes:
            followers = hosts if shared else [outcome.host]
            if outcome.result.status not in ("unreachable", "lost") or outcome.result.ignored:
                self._apply(task, followers, outcome, told or followers)
            if outcome.result.status not in ("skipped", "unreachable", "lost"):
                worked_in(outcome.host, task.role)
            if task.action in INCLUDES:
                self._show(outcome)
        if task.action in INCLUDES:
            self._includer.push(task, hosts)
        for outcome in outcomes:
            self._move(task, hosts if shared else [outcome.host], outcome)

    def _apply(self, task: Task, hosts: list[HostState], outcome: Outcome, told: Sequence[HostState]) -> None:
        delegate_facts = bool(outcome.delegate) and bool(self._keyword(task.delegate_facts, outcome.host, task))
        effects.apply(self.run, task, [h.name for h in told], outcome.value, delegate=outcome.delegate,
                      delegate_facts=delegate_facts)
        if task.notify and outcome.value.get("changed") and not outcome.failed:
            self._notify(task, hosts, outcome)

    def _notify(self, task: Task, hosts: list[HostState], outcome: Outcome) -> None:
        try:
            names = [str(n) for value in task.notify for n in _listed(self._notified(value, outcome, task))]
            for host in hosts:
                outcome.result.notified = self.play.handlers.notify(host, names, flushing=task.handler)
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
            self._advance(outcome.host, task)  # from there it goes on when its errors are cleared
            for host in hosts:
                if host is not outcome.host:
                    self.fail(host, None)  # a run_once that nobody could do
            return
        rescued = outcome.failed and outcome.host.cursor.rescuing_blocks()
        for host in hosts:
            if outcome.failed and host is outcome.host:
                self.fail(host, outcome)
            elif outcome.failed and not rescued:
                # A run_once that failed has failed for everybody, unless the host that did it was rescued.
                self.fail(host, None)
            else:
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
        task = {"name": outcome.result.task_name if outcome.task.name is not None else "",
                "action": outcome.task.action_written,
                "args": dict(outcome.task.args)}
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
