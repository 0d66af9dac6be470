"""One task on one host, from its keywords to its stored result: loop, conditions, arguments, retries, judgement."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from modules import registry
from orchestrator.content.yaml import Verbatim
from orchestrator.engine import effects, loops
from orchestrator.engine.actions import CONTROLLER_ONLY, action_for
from orchestrator.engine.actions.assertion import UNTRUSTED
from orchestrator.engine.arguments import rendered_arguments
from orchestrator.engine.call import Call, fault_value, timed
from orchestrator.engine.lane import NotRun
from orchestrator.engine.naming import written_name
from orchestrator.engine.outcome import Value, censor, failure, gather_items, is_failed, status_of
from orchestrator.errors import ConditionError, OrchError, TaskFault
from orchestrator.events import ItemDone, TaskResult, TaskRetry

if TYPE_CHECKING:
    from orchestrator.engine.context import PlayContext, RunContext
    from orchestrator.engine.hosts import HostState
    from orchestrator.engine.lane import Lane
    from orchestrator.model import Condition, Task
    from orchestrator.variables.scope import Scope

NO_TRACEBACK = "(traceback unavailable)"
CENSORED_LABEL = "(censored due to no_log)"
DEFAULT_RETRIES, DEFAULT_DELAY_S = 3, 5.0


@dataclass(slots=True)
class Outcome:
    """A task's end on a host. ``value`` is what it registers; ``result`` is its row, added to the journal."""

    host: HostState
    task: Task
    value: Value
    result: TaskResult
    scope: Scope
    looped: bool = False
    delegate: str | None = None
    items: list[tuple[Value, Mapping[str, Any]]] = field(default_factory=list)
    """For includes: each item's value with the loop variables it had."""

    @property
    def failed(self) -> bool:
        return is_failed(self.value) and not self.result.ignored

    @property
    def unreachable(self) -> bool:
        return bool(self.value.get("unreachable")) and not self.result.ignored


class TaskRunner:
    """Runs tasks for a play; holds nothing of its own but where it belongs."""

    def __init__(self, run: RunContext, play: PlayContext) -> None:
        self._run = run
        self._play = play

    async def __call__(self, host: HostState, task: Task, path: str, lane: Lane | None = None,
                       place: int = 0) -> Outcome:
        """Never raises for what happens on a host: an `OrchError` becomes a failed or unreachable value.

        With a ``lane`` the task goes out together with others, and raises `NotRun` when its turn did not come.
        """
        scope = self._run.variables.scope(host.name, play=self._play.play, task=task)
        work = _Work(self._run, self._play, host, task, path, scope, lane, place)
        stored = stored_result(self._run, host.name, task, path)
        failed = True
        try:
            outcome = work.replayed(stored) if stored is not None else await work.perform()
            failed = outcome.failed or outcome.unreachable
            return outcome
        finally:
            if lane is not None:
                lane.ended(place, failed=failed)


def stored_result(run: RunContext, host: str, task: Task, path: str, index: int | None = None) -> TaskResult | None:
    """The result of an earlier attempt at this run that stands for the task or item; see docs/engine.md."""
    if task.action in effects.VAR_INCLUDERS:
        return None  # trusted files: their values are templates, which no store holds
    stored = run.journal.replay((host, task.id, path, index))
    if stored is not None and stored.no_log and (task.register or task.action in effects.FACT_SETTERS):
        info = registry.describe(task.action)
        if info is not None and info.retry_safe:
            return None  # its values were withheld from the store, and doing it again changes nothing
    return stored


class _Work:
    """One task on one host while it runs."""

    def __init__(self, run: RunContext, play: PlayContext, host: HostState, task: Task, path: str,
                 scope: Scope, lane: Lane | None, place: int) -> None:
        self.lane = lane
        self.place = place
        self.run = run
        self.play = play
        self.host = host
        self.task = task
        self.path = path
        self.scope = scope
        self.delegate: str | None = None
        self.carrier = ("controller", "")
        self.no_log = False
        self.started = time.time()
        self.items: list[tuple[Value, Mapping[str, Any]]] = []

    # The whole task

    async def perform(self) -> Outcome:
        looped = self.task.loop is not None
        try:
            self.no_log = True  # until told otherwise: what goes wrong in telling must not show it either
            self.no_log = bool(self._keyword(self.task.no_log, False))
            value = await (self._loop() if looped else self._single(self.scope, None, None))
        except NotRun:
            raise
        except OrchError as error:
            value = self._fault(error)
        ignored = self._ignored(value)
        _mark_failed(value)
        if ignored:
            value["ignored"] = True
            if value.get("unreachable"):
                value["skip_reason"] = f"Host {self.host.name} is unreachable"
        result = self._result(value, None, None, ignored)
        self.run.journal.add(result)
        return Outcome(self.host, self.task, value, result, self.scope, looped, self.delegate, self.items)

    def replayed(self, stored: TaskResult) -> Outcome:
        """The outcome as the journal tells it; nothing runs."""
        stored.replayed = True
        value = dict(stored.values)
        if stored.diff:
            value["diff"] = stored.diff
        looped = self.task.loop is not None
        items: list[tuple[Value, Mapping[str, Any]]] = []
        if looped:
            items = [(v, loops.locals_in(v)) for v in value.get("results", ())]
        return Outcome(self.host, self.task, value, stored, self.scope, looped, stored.delegated_to, items)

    def _fault(self, error: OrchError) -> Value:
        return fault_value(error)

    def _ignored(self, value: Value) -> bool:
        if value.get("unreachable"):
            return bool(self._keyword(self.task.ignore_unreachable, False))
        return is_failed(value) and bool(self._keyword(self.task.ignore_errors, False))

    def _keyword(self, value: Any, default: Any = None) -> Any:
        return default if value is None else self.run.engine.render(value, self.scope, self.task.origin)

    # Loops

    async def _loop(self) -> Value:
        loop = self.task.loop
        assert loop is not None
        names = loops.names_of(loop.control, self.run.engine, self.scope)
        try:
            items = loops.items_of(loop, self.run.engine, self.scope)
        except OrchError:
            # A condition that fails without an item spares the loop: its list may be undefined on this host.
            if self._unmet(self.task.when, self.scope, quiet=True) is None:
                raise
            items = [None]
        values: list[Value] = []
        for index, item in enumerate(items):
            if index and names.pause_s:
                await self.run.stop.sleep(names.pause_s)
            local = loops.locals_of(names, items, index)
            value = await self._item(local, names, item, index)
            values.append(value)
            self.items.append((value, local))
            gone = value.get("unreachable") and not self._keyword(self.task.ignore_unreachable, False)
            if gone or self.run.stop.draining or self._breaks(local, value):
                break
        return gather_items(values)

    async def _item(self, local: dict[str, Any], names: loops.Names, item: Any, index: int) -> Value:
        stored = stored_result(self.run, self.host.name, self.task, self.path, index)
        if stored is not None:
            return dict(stored.values)
        scope = self.scope.with_locals(local)
        started = time.time()
        try:
            value = await self._single(scope, index, item)
        except OrchError as error:
            value = self._fault(error)
        _mark_failed(value)
        value.update({names.loop_var: item, "ansible_loop_var": names.loop_var})
        if self.delegate is not None:
            value[effects.DELEGATED] = self.delegate
        if names.index_var:
            value.update({names.index_var: index, "ansible_index_var": names.index_var})
        if names.extended:
            value["ansible_loop"] = local["ansible_loop"]
        if is_failed(value) and self._keyword(self.task.ignore_errors, False):
            value["_ansible_ignored"] = True
        if self.task.action in effects.FACT_SETTERS:
            there = self.delegate if self._keyword(self.task.delegate_facts, False) else None
            effects.apply_facts(self.run, self.task, [there or self.host.name], value)
            self.scope = self.run.variables.scope(self.host.name, self.play.play, self.task)
        if "add_host" in value or "add_group" in value:
            # The next item may ask for the same: that changes nothing any more.
            effects.apply(self.run, replace(self.task, register=None), [self.host.name], value, delegate=None,
                          delegate_facts=False)
        label = CENSORED_LABEL if self.no_log else self._label(scope, item)
        value["_ansible_item_label"] = label
        result = self._result(value, index, label, False, started)
        self.run.journal.add(result)
        self.run.emit(ItemDone(result, item))
        return value

    def _label(self, scope: Scope, item: Any) -> str:
        assert self.task.loop is not None
        if self.task.loop.control.label is None:
            return str(item) if not isinstance(item, str) else item
        try:
            return str(self.run.engine.render(self.task.loop.control.label, scope, self.task.origin))
        except OrchError as error:
            return f"<{error.message}>"

    def _breaks(self, local: Mapping[str, Any], value: Value) -> bool:
        assert self.task.loop is not None
        conditions = self.task.loop.control.break_when
        scope = self.scope.with_locals({**local, **self._named(value)})
        try:
            return bool(conditions) and self._unmet(conditions, scope) is None
        except OrchError as error:
            value.update(fault_value(error))
            _mark_failed(value)
            return True

    # One item, or a task without a loop

    async def _single(self, scope: Scope, index: int | None, item: Any) -> Value:
        unmet = self._unmet(self.task.when, scope)
        if unmet is not None:
            return {"changed": False, "skipped": True, "skip_reason": "Conditional result was False",
                    "false_condition": unmet}
        if self.task.fault is not None:
            raise self.task.fault
        call = self._call(scope, index)
        interrupted = self._interrupted(index)
        if interrupted is not None:
            return interrupted
        if not self.task.until and self.task.retries is None:
            return await self._attempt(call)
        return await self._until(call, item)

    def _interrupted(self, index: int | None) -> Value | None:
        """A task that had begun and left no result is not begun again, unless its author says that this is safe."""
        stored = self.run.journal.stored((self.host.name, self.task.id, self.path, index))
        if stored is None or stored.status != "interrupted" or self._keyword(self.task.retry_safe, False):
            return None
        return failure(
            "this task had begun in an earlier attempt and left no result; it may have run", "interrupted",
            "look at the host; then set `retry_safe: true` on the task, or start a new run",
        )

    def _call(self, scope: Scope, index: int | None) -> Call:
        task, options = self.task, self.run.options
        check = bool(self._keyword(task.check_mode, options.check))
        diff = bool(self._keyword(task.diff, options.diff))
        delegate = None
        if task.delegate_to is not None:
            delegate = str(self.run.engine.render(task.delegate_to, scope, task.origin)) or None
        self.delegate = delegate
        attempt = self.run.journal.attempt((self.host.name, task.id, self.path, index))
        if delegate is not None:
            scope = self.run.variables.delegated(scope, delegate)
        call = Call(self.run, self.play, self.host, task, scope, {}, check, diff, self.no_log, self.path, index,
                    attempt=attempt, delegate=delegate, lane=self.lane, place=self.place)
        call.args = rendered_arguments(call)
        return call

    async def _until(self, call: Call, item: Any) -> Value:
        retries = int(self._keyword(self.task.retries, DEFAULT_RETRIES))
        delay_s = max(0.0, float(self._keyword(self.task.delay, DEFAULT_DELAY_S)))
        attempts = max(0, retries) + 1
        for number in range(1, attempts + 1):
            call.retry = number - 1
            if number > 1:
                call.args = rendered_arguments(call)
            value = await self._attempt(call)
            value["attempts"] = number
            if self._satisfied(call, value) or value.get("unreachable") or self.run.stop.draining:
                return value
            if number < attempts:
                self._tell_retry(value, number, attempts, delay_s, call.item_index)
                await self.run.stop.sleep(delay_s)
        value["failed"] = True
        value["retries"] = attempts - 1
        value["attempts"] = attempts - 1 if retries else attempts
        return value

    def _satisfied(self, call: Call, value: Value) -> bool:
        if not self.task.until:
            return not is_failed(value)
        return self._unmet(self.task.until, call.scope.with_locals(self._named(value))) is None

    def _tell_retry(self, value: Value, number: int, attempts: int, delay_s: float, index: int | None) -> None:
        shown = {**value, "retries": attempts}
        result = self._result(shown, index, None, False)
        self.run.emit(TaskRetry(result, number, attempts - number, delay_s))

    async def _attempt(self, call: Call) -> Value:
        action = action_for(self.task.action)
        limit = call.timeout_s() if self.task.action in CONTROLLER_ONLY else None
        try:
            value = await asyncio.wait_for(action(call), limit) if limit else await action(call)
        except TimeoutError:
            value = timed(failure("", "timeout"), limit)
        if self.task.async_s is not None:
            self._tell_async(value)
        self.carrier = (call.carrier, call.carrier_reason)
        if value.get("unreachable") or value.get("error_code") in ("cancelled", "interrupted"):
            return value
        return self._judged(call, value)

    def _tell_async(self, value: Value) -> None:
        self.run.notice("async tasks do not run in the background yet: each is waited for, up to its `async`",
                        origin=self.task.origin)
        value.setdefault("started", True)
        value.setdefault("finished", True)

    def _judged(self, call: Call, value: Value) -> Value:
        """``changed_when`` and ``failed_when`` have the last word."""
        value.setdefault("changed", False)
        value.setdefault("failed", False)
        if value.get("skipped") and self.task.action not in ("include_vars",):
            return value
        try:
            self._judge(call, value)
        except OrchError as error:  # what the module returned is still there for whoever asks
            value.update(fault_value(error))
            if self.task.failed_when is not None:
                value["failed_when_result"] = error.message
        return value

    def _judge(self, call: Call, value: Value) -> None:
        if self.task.changed_when is not None or self.task.failed_when is not None:
            scope = call.scope.with_locals(self._named(value))
            if self.task.changed_when is not None:
                value["changed"] = self._unmet(self.task.changed_when, scope) is None
                scope = call.scope.with_locals(self._named(value))
            if self.task.failed_when is not None:
                failed = self._unmet(self.task.failed_when, scope) is None
                if value["failed"] and not failed:
                    value["failed_when_suppressed_exception"] = NO_TRACEBACK
                value["failed_when_result"] = value["failed"] = failed

    def _named(self, value: Value) -> dict[str, Any]:
        """The names by which this result's own conditions may refer to it."""
        named: dict[str, Any] = {}
        facts = value.get("ansible_facts")
        if isinstance(facts, Mapping):
            named.update({k: v for k, v in facts.items() if isinstance(k, str) and k.isidentifier()})
        if self.task.register:
            named[self.task.register] = value
        return named

    def _unmet(self, conditions: Sequence[Condition], scope: Scope, *, quiet: bool = False) -> Any:
        """The first condition that does not hold, as written; None when all hold. ``quiet``: a fault counts as met."""
        for condition in conditions:
            try:
                if isinstance(condition.expression, Verbatim):
                    raise ConditionError(UNTRUSTED, origin=condition.origin)
                if not self.run.engine.condition(condition.expression, scope, condition.origin):
                    return condition.expression
            except OrchError:
                if quiet:
                    continue
                raise
        return None

    # The row

    def _result(self, value: Value, index: int | None, label: str | None, ignored: bool,
                started: float | None = None) -> TaskResult:
        task, now = self.task, time.time()
        started = started or self.started
        kept = censor(value) if self.no_log else value
        shown = {k: v for k, v in kept.items() if k not in ("diff", "warnings") and v is not NO_TRACEBACK}
        if task.action in effects.VAR_INCLUDERS:
            shown = effects.plain(shown)
        rescued = (is_failed(value) and not ignored and index is None and not value.get("unreachable")
                   and self.host.cursor.rescuing_blocks())
        return TaskResult(
            run_id=self.run.run_id, play_id=self.play.play.id, play_name=self.play.name, task_id=task.id,
            task_name=self._name(), task_origin=str(task.origin), module=task.action, host=self.host.name,
            status=status_of(value), attempt=self.run.journal.attempt((self.host.name, task.id, self.path, index)),
            item_index=index, item_label=label,
            carrier=self.carrier[0], carrier_reason=self.carrier[1],
            delegated_to=self.delegate if self.delegate != self.host.name else None, rescued=rescued,
            ignored=ignored, check_mode=bool(self.run.options.check), no_log=self.no_log, handler=task.handler,
            role=task.role.name if task.role else None, started=datetime.fromtimestamp(started, UTC),
            ended=datetime.fromtimestamp(now, UTC), duration_s=round(now - started, 6),
            message=_message(value) if not self.no_log else "",
            error_code=value.get("error_code"), hint=None if self.no_log else value.get("hint"), values=shown,
            diff=[] if self.no_log else _as_list(value.get("diff")),
            warnings=[] if self.no_log else list(value.get("warnings") or ()), path=self.path, trail=task.trail,
        )

    def _name(self) -> str:
        name = written_name(self.task)
        try:
            return str(self.run.engine.render(name, self.scope, self.task.origin))
        except OrchError:
            return str(getattr(name, "source", name))


def _mark_failed(value: Value) -> None:
    """Ansible's results have an ``exception`` when they failed; ours is the message and the code, not a traceback."""
    if is_failed(value):
        value.setdefault("exception", NO_TRACEBACK)


def _message(value: Value) -> str:
    return str(value.get("msg") or "Unknown error.") if is_failed(value) or "unreachable" in value else ""


def _as_list(diff: Any) -> list[Any]:
    if not diff:
        return []
    return list(diff) if isinstance(diff, list) else [diff]


__all__ = ["Outcome", "TaskFault", "TaskRunner", "registry"]
