"""One item of a task, or a task without a loop: its condition, its call, its retries."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from orchestrator.engine import background
from orchestrator.engine.actions import CONTROLLER_ONLY, action_for
from orchestrator.engine.arguments import rendered_arguments
from orchestrator.engine.call import Call, timed
from orchestrator.engine.outcome import Value, failure
from orchestrator.errors import SyntaxFault
from orchestrator.events import TaskRetry

if TYPE_CHECKING:
    from orchestrator.engine.doing import Doing
    from orchestrator.variables.scope import Scope

DEFAULT_RETRIES, DEFAULT_DELAY_S = 3, 5.0


class Attempts:
    """Tries the task until it is done, its ``until`` holds, or its retries are used up."""

    def __init__(self, doing: Doing) -> None:
        self._doing = doing
        self._run, self._host, self._task, self._judge = doing.run, doing.host, doing.task, doing.judge

    async def __call__(self, scope: Scope, index: int | None) -> Value:
        """The value of the task for an item's scope. Raises `OrchError` for what goes wrong on the controller."""
        unmet = self._judge.unmet(self._task.when, scope)
        if unmet is not None:
            return {"changed": False, "skipped": True, "skip_reason": "Conditional result was False",
                    "false_condition": unmet}
        if self._task.fault is not None and not isinstance(self._task.fault, SyntaxFault):  # those rendering finds
            from orchestrator.engine.expected_fault import in_modules_words  # seldom needed

            raise in_modules_words(self._task, self._task.fault)
        call = self._call(scope, index)
        interrupted = self._interrupted(index)
        if interrupted is not None:
            return interrupted
        if not self._task.until and self._task.retries is None:
            return await self._attempt(call)
        return await self._until(call)

    def _interrupted(self, index: int | None) -> Value | None:
        """A task that had begun and left no result is not begun again, unless its author says that this is safe."""
        stored = self._run.journal.stored((self._host.name, self._task.id, self._doing.path, index))
        if stored is None or stored.status != "interrupted" or self._doing.keyword(self._task.retry_safe, False):
            return None
        return failure(
            "this task had begun in an earlier attempt and left no result; it may have run", "interrupted",
            "look at the host; then set `retry_safe: true` on the task, or start a new run",
        )

    def _call(self, scope: Scope, index: int | None) -> Call:
        task, options = self._task, self._run.options
        check = bool(self._doing.keyword(task.check_mode, options.check))
        diff = bool(self._doing.keyword(task.diff, options.diff))
        delegate = None
        if task.delegate_to is not None:
            delegate = str(self._run.engine.render(task.delegate_to, scope, task.origin)) or None
        self._doing.delegate = delegate
        attempt = self._run.journal.attempt((self._host.name, task.id, self._doing.path, index))
        if delegate is not None:
            scope = self._run.variables.delegated(scope, delegate)
        doing = self._doing
        call = Call(doing.run, doing.play, doing.host, task, scope, {}, check, diff, doing.no_log, doing.path, index,
                    attempt=attempt, delegate=delegate, lane=doing.lane, place=doing.place)
        call.args = rendered_arguments(call)
        return call

    async def _until(self, call: Call) -> Value:
        retries = int(self._doing.keyword(self._task.retries, DEFAULT_RETRIES))
        delay_s = max(0.0, float(self._doing.keyword(self._task.delay, DEFAULT_DELAY_S)))
        attempts = max(0, retries) + 1
        for number in range(1, attempts + 1):
            call.retry = number - 1
            if number > 1:
                call.args = rendered_arguments(call)
            value = await self._attempt(call)
            value["attempts"] = number
            if self._judge.until_met(call.scope, value) or value.get("unreachable") or self._run.stop.draining:
                return value
            if number < attempts:
                self._tell_retry(value, number, attempts, delay_s, call.item_index)
                await self._run.stop.sleep(delay_s)
        if value.get("failed_when_result") is not False:  # where failed_when was asked it has the last word
            value["failed"] = True
        value["retries"] = attempts - 1
        value["attempts"] = attempts - 1 if retries else attempts
        return value

    def _tell_retry(self, value: Value, number: int, attempts: int, delay_s: float, index: int | None) -> None:
        shown = {**value, "retries": attempts}
        result = self._doing.row(shown, index, None, False)
        self._run.emit(TaskRetry(result, number, attempts - number, delay_s))

    async def _attempt(self, call: Call) -> Value:
        action = action_for(self._task.action if self._task.bridged is None else "bridged")
        limit = call.timeout_s() if self._task.action in CONTROLLER_ONLY else None
        background_s = background.limit_of(call) if self._task.async_s is not None else 0
        try:
            if background_s > 0:
                value = await background.begin(call, action, background_s)
            else:
                value = await asyncio.wait_for(action(call), limit) if limit else await action(call)
        except TimeoutError:
            value = timed(failure("", "timeout"), limit)
        if value.pop("_ansible_no_log", False):
            self._doing.no_log = True  # an action plugin says so
        if self._task.until or self._task.retries is not None:
            value["attempts"] = call.retry + 1  # failed_when and changed_when may ask for it
        self._doing.carrier = (call.carrier, call.carrier_reason)
        if value.get("unreachable") or value.get("error_code") in ("cancelled", "interrupted"):
            return value
        return self._judge.verdict(call.scope, value)
