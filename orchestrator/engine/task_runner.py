"""A task on a host: from the journal if it is there, else by its loop and its attempts; and what it came to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from modules import registry
from orchestrator.engine import effects, loops
from orchestrator.engine.attempts import Attempts
from orchestrator.engine.call import fault_value
from orchestrator.engine.doing import Doing
from orchestrator.engine.judgement import Judge, mark_failed
from orchestrator.engine.lane import NotRun
from orchestrator.engine.outcome import Value, gather_items, is_failed, shaped
from orchestrator.errors import OrchError, Pending, StoreError
from orchestrator.events import ItemDone, TaskResult
from orchestrator.template.types import Template

if TYPE_CHECKING:
    from orchestrator.engine.context import PlayContext, RunContext
    from orchestrator.engine.hosts import HostState
    from orchestrator.engine.lane import Lane
    from orchestrator.model import Task
    from orchestrator.variables.scope import Scope

CENSORED_LABEL = "(censored due to no_log)"


class Outcome(Struct):
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
        work = _Work(Doing(self._run, self._play, host, task, path, scope, Judge(self._run, task), lane, place))
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
        return None  # trusted files: their values are templates or vault texts, which no store holds
    stored = run.journal.replay((host, task.id, path, index))
    if stored is not None and task.action in effects.FACT_SETTERS and effects.is_withheld(stored.values):
        return None
    if stored is not None and stored.no_log and (task.register or task.action in effects.FACT_SETTERS):
        info = registry.describe(task.action)
        if info is not None and info.retry_safe:
            return None  # its values were withheld from the store, and doing it again changes nothing
    return stored


class _Work:
    """A task on one host, from its keywords to its stored result."""

    def __init__(self, doing: Doing) -> None:
        self._doing = doing
        self._run, self._host, self._task, self._judge = doing.run, doing.host, doing.task, doing.judge
        self._attempts = Attempts(doing)
        self.items: list[tuple[Value, Mapping[str, Any]]] = []

    # The whole task

    async def perform(self) -> Outcome:
        looped = self._task.loop is not None
        try:
            self._doing.no_log = True  # until told otherwise: what goes wrong in telling must not show it either
            self._doing.no_log = bool(self._doing.keyword(self._task.no_log, False))
            value = await (self._loop() if looped else self._attempts(self._doing.scope, None))
        except (NotRun, Pending, StoreError):
            raise
        except OrchError as error:
            value = fault_value(error)
        looped = looped and not (value.get("skipped") and "results" not in value)  # spared before it had a list
        ignored = self._ignored(value)
        mark_failed(value)
        if ignored:
            value["ignored"] = True
        result = self._doing.row(value, None, None, ignored)
        self._run.journal.add(result)
        return Outcome(self._host, self._task, value, result, self._doing.scope, looped, self._doing.delegate,
                       self.items)

    def replayed(self, stored: TaskResult) -> Outcome:
        """The outcome as the journal tells it; nothing runs."""
        stored.replayed = True
        value = dict(stored.values)
        if stored.diff:
            value["diff"] = shaped(stored.diff, self._task.action)
        looped = self._task.loop is not None
        items: list[tuple[Value, Mapping[str, Any]]] = []
        if looped:
            items = [(v, loops.locals_in(v)) for v in value.get("results", ())]
        return Outcome(self._host, self._task, value, stored, self._doing.scope, looped, stored.delegated_to, items)

    def _ignored(self, value: Value) -> bool:
        if value.get("unreachable"):
            gone = [local for item, local in self.items if item.get("unreachable")]
            return all(self._stays(local) for local in gone or ({},))
        return is_failed(value) and bool(self._doing.keyword(self._task.ignore_errors, False))

    def _stays(self, local: Mapping[str, Any]) -> bool:
        """``ignore_unreachable``, which may speak of the item of a loop."""
        wanted = self._task.ignore_unreachable
        if not isinstance(wanted, Template):
            return bool(wanted)
        return bool(self._run.engine.render(wanted, self._doing.scope.with_locals(local), self._task.origin))

    # Loops

    async def _loop(self) -> Value:
        loop = self._task.loop
        assert loop is not None
        names = loops.names_of(loop.control, self._run.engine, self._doing.scope)
        try:
            items = loops.items_of(loop, self._run.engine, self._doing.scope)
        except OrchError:
            # A condition that fails without an item spares the loop: its list may be undefined on this host.
            if self._judge.unmet(self._task.when, self._doing.scope, quiet=True) is None:
                raise
            return await self._attempts(self._doing.scope, None)
        values: list[Value] = []
        last: dict[str, Any] = {}
        for index, item in enumerate(items):
            if index and names.pause_s:
                await self._run.stop.sleep(names.pause_s)
            local = loops.locals_of(names, items, index)
            value = await self._item(local, last, names, item, index)
            if self._task.register:  # the next item sees what this one came to
                last[self._task.register] = effects.registered(value)
            values.append(value)
            self.items.append((value, local))
            # Where each item has its own say, all of them have it; else the first that finds nobody is the last.
            gone = value.get("unreachable") and self._task.ignore_unreachable in (None, False)
            try:
                if gone or self._run.stop.draining or self._judge.breaks(self._doing.scope.with_locals(local), value):
                    break
            except OrchError as error:  # the task's own fault; what its items came to is there for whoever asks
                return {**gather_items(values), **fault_value(error)}
        return gather_items(values)

    async def _item(self, local: dict[str, Any], last: Mapping[str, Any], names: loops.Names, item: Any,
                    index: int) -> Value:
        stored = stored_result(self._run, self._host.name, self._task, self._doing.path, index)
        if stored is not None:
            return dict(stored.values)
        scope = self._doing.scope.with_locals({**last, **local})
        started = time.time()
        try:
            value = await self._attempts(scope, index)
        except (Pending, StoreError):
            raise
        except OrchError as error:
            value = fault_value(error)
        mark_failed(value)
        value.update({names.loop_var: item, "ansible_loop_var": names.loop_var})
        if self._doing.delegate is not None:
            value[effects.DELEGATED] = self._doing.delegate
        if names.index_var:
            value.update({names.index_var: index, "ansible_index_var": names.index_var})
        if names.extended:
            value["ansible_loop"] = local["ansible_loop"]
        if is_failed(value) and self._doing.keyword(self._task.ignore_errors, False):
            value["_ansible_ignored"] = True
        if self._task.action in effects.FACT_SETTERS:
            there = self._doing.delegate if self._doing.keyword(self._task.delegate_facts, False) else None
            effects.apply_facts(self._run, self._task, [there or self._host.name], value)
            self._doing.scope = self._run.variables.scope(self._host.name, self._doing.play.play, self._task)
        if "add_host" in value or "add_group" in value:
            # The next item may ask for the same: that changes nothing any more.
            effects.apply(self._run, replace(self._task, register=None), [self._host.name], value, delegate=None,
                          delegate_facts=False)
        label = CENSORED_LABEL if self._doing.no_log else self._label(scope, item, value)
        value["_ansible_item_label"] = label
        result = self._doing.row(value, index, label, False, started)
        self._run.journal.add(result)
        self._run.emit(ItemDone(result, item))
        return value

    def _label(self, scope: Scope, item: Any, value: Value) -> str:
        """What displays show for the item. A label may speak of its result; one that cannot be made fails the item."""
        assert self._task.loop is not None
        label = self._task.loop.control.label
        if label is None:
            return str(item) if not isinstance(item, str) else item
        if self._task.register:
            scope = scope.with_locals({self._task.register: effects.registered(value)})
        try:
            return str(self._run.engine.render(label, scope, self._task.origin))
        except OrchError as error:
            value.update(failed=True, changed=False, msg=f"Failed to template loop_control.label: {error.message}")
            return "None"
