"""What a task's own conditions make of it: whether it is done, and whether what came back is a change or a failure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from orchestrator.engine.call import fault_value
from orchestrator.engine.outcome import Value, is_failed
from orchestrator.errors import OrchError

if TYPE_CHECKING:
    from orchestrator.engine.context import RunContext
    from orchestrator.model import Condition, Task
    from orchestrator.variables.scope import Scope

NO_TRACEBACK = "(traceback unavailable)"


class Judge:
    """The conditions of one task. Scopes are handed in: a loop's items see more than the task does."""

    def __init__(self, run: RunContext, task: Task) -> None:
        self._run = run
        self._task = task

    def unmet(self, conditions: Sequence[Condition], scope: Scope, *, quiet: bool = False) -> Any:
        """The first condition that does not hold, as written; None when all hold. ``quiet``: a fault counts as met."""
        for condition in conditions:
            try:
                if not self._run.engine.condition(condition.expression, scope, condition.origin):
                    return condition.expression
            except OrchError:
                if quiet:
                    continue
                raise
        return None

    def verdict(self, scope: Scope, value: Value) -> Value:
        """The value with ``changed_when`` and ``failed_when`` having had the last word."""
        value.setdefault("changed", False)
        value.setdefault("failed", False)
        if value.get("skipped") and self._task.action not in ("include_vars",):
            return value
        try:
            self._settle(scope, value)
        except OrchError as error:  # what the module returned is still there for whoever asks
            fault = fault_value(error)
            value.update({**fault, "msg": value.get("msg") or fault["msg"], "changed": value["changed"]})
        return value

    def _settle(self, scope: Scope, value: Value) -> None:
        task = self._task
        if task.changed_when is not None:
            with _told_in(value, "changed_when_result"):
                value["changed"] = self.unmet(task.changed_when, self._after(scope, value)) is None
        if task.failed_when is not None:
            with _told_in(value, "failed_when_result"):
                failed = self.unmet(task.failed_when, self._after(scope, value)) is None
            if value["failed"] and not failed:
                value["failed_when_suppressed_exception"] = NO_TRACEBACK
            value["failed_when_result"] = value["failed"] = failed

    def until_met(self, scope: Scope, value: Value) -> bool:
        """Whether ``until`` holds; without one, whether the task succeeded. What was skipped waits for nothing."""
        if value.get("skipped"):
            return True
        if not self._task.until:
            return not is_failed(value)
        return self.unmet(self._task.until, self._after(scope, value)) is None

    def breaks(self, scope: Scope, value: Value) -> bool:
        """Whether ``break_when`` ends the loop behind this item; a fault in it is the task's."""
        assert self._task.loop is not None
        conditions = self._task.loop.control.break_when
        return bool(conditions) and self.unmet(conditions, self._after(scope, value)) is None

    def _after(self, scope: Scope, value: Value) -> Scope:
        """The scope with the names by which this result's own conditions may refer to it."""
        named: dict[str, Any] = {}
        facts = value.get("ansible_facts")
        if isinstance(facts, Mapping):
            named.update({k: v for k, v in facts.items() if isinstance(k, str) and k.isidentifier()})
        if self._task.register:
            named[self._task.register] = value
        return scope.with_locals(named)


@contextmanager
def _told_in(value: Value, key: str) -> Iterator[None]:
    try:
        yield
    except OrchError as error:
        value[key] = error.message
        raise


def mark_failed(value: Value) -> None:
    """Ansible's results have an ``exception`` when they failed, or when nobody was there (a loop's total has not);
    ours is the message and the code, not a traceback."""
    if is_failed(value) or (value.get("unreachable") and "results" not in value):
        value.setdefault("exception", NO_TRACEBACK)
