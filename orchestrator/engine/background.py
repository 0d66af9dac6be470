"""Tasks with ``async``: begun as jobs that live on by themselves on the host, and waited for where ``poll`` says so.

The launch is one task of one job, with a receipt: a resumed run is told the id of the job that was begun, and begins
no second one. While the task is polled the launch stays unacknowledged, so that this holds until its result is stored.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from orchestrator.engine.actions import CONTROLLER_ONLY
from orchestrator.engine.outcome import Value, failure
from orchestrator.errors import TaskFault, Unreachable
from orchestrator.events import TaskProgress

if TYPE_CHECKING:
    from orchestrator.engine.call import Call

DEFAULT_POLL_S = 15.0
GRACE_S = 30.0
"""How long behind its limit a job may stay without a word (the host ends it, with up to 10 s for its processes)."""
ON_HOST = frozenset({"gather_facts", "action"})
NOT_HERE = frozenset({"copy", "fetch", "unarchive", "assemble", "reboot", "synchronize"})
"""Actions that work on both sides at once, and cannot leave the host alone; those of the controller come to them."""

Act = Callable[["Call"], Awaitable[Value]]


def limit_of(call: Call) -> float:
    """The task's ``async`` in seconds; 0 when it is waited for like any other."""
    return _seconds(call, call.task.async_s, "async", 0.0)


async def begin(call: Call, action: Act, limit_s: float) -> Value:
    """Begin the task in the background; its first value is returned (``poll: 0``) or its last one."""
    poll_s = _seconds(call, call.task.poll, "poll", DEFAULT_POLL_S)
    if call.task.action in NOT_HERE or call.task.action in CONTROLLER_ONLY and call.task.action not in ON_HOST:
        return failure(f"This action ({call.task.action}) does not support async.", "no_async")
    call.detach = {"limit_s": limit_s, "directory": directory(call)}
    value = await action(call)
    if poll_s <= 0 or value.get("failed") or "ansible_job_id" not in value:
        call.settle()
        return value
    return await _Wait(call, value, limit_s, poll_s).over()


def directory(call: Call) -> str | None:
    """Where the files of jobs are: ``ansible_async_dir``, or this side's ``ANSIBLE_ASYNC_DIR``; None: as usual."""
    found = call.variable("ansible_async_dir") or os.environ.get("ANSIBLE_ASYNC_DIR")
    return str(found) if found else None


class _Wait:
    """Asks for the job until it has finished. A line that breaks meanwhile is opened again: the job needs none."""

    def __init__(self, call: Call, begun: Value, limit_s: float, poll_s: float) -> None:
        self._call = call
        self._begun = begun
        self._jid = str(begun["ansible_job_id"])
        self._limit_s = limit_s
        self._poll_s = poll_s

    async def over(self) -> Value:
        end = time.monotonic() + self._limit_s + GRACE_S
        while True:
            await self._pause()
            value = None if self._call.run.stop.stopping else await self._ask()
            if value is not None and value.get("finished"):
                return await self._finished(value)
            if self._call.run.stop.stopping:
                return self._left()
            if value is not None and value.get("failed"):
                return await self._finished(value)
            if time.monotonic() > end:
                return self._silent(value)
            self._tell(started=True, finished=False)

    async def _pause(self) -> None:
        """The time between two polls. A run that only drains waits for what runs, as it does for every task."""
        stopped = asyncio.Event()
        end = self._call.run.stop.watch(stopped.set)
        try:
            await asyncio.wait_for(stopped.wait(), self._poll_s)
        except TimeoutError:
            pass
        finally:
            end()

    async def _ask(self, mode: str = "status") -> Value | None:
        """How the job stands; None while the host cannot be reached."""
        args = {"jid": self._jid, "mode": mode, "_async_dir": directory(self._call)}
        call = self._call
        before, call.detach, call.check = call.check, None, False
        try:
            return await call.execute("async_status", args)
        except Unreachable:
            return None
        finally:
            call.check = before

    async def _finished(self, value: Value) -> Value:
        self._tell(started=True, finished=True, failed=bool(value.get("failed")))
        await self._ask("cleanup")
        self._call.settle()
        return value

    def _left(self) -> Value:
        return failure("the run was stopped while the job went on", "cancelled",
                       f"it lives on: ask for it with async_status, jid={self._jid}", **self._known())

    def _silent(self, value: Value | None) -> Value:
        lost = "" if value is not None else "; the host cannot be reached"
        return failure(f"async task did not complete within the requested time - {self._limit_s:g}s{lost}", "timeout",
                       **self._known())

    def _known(self) -> dict[str, Any]:
        names = ("ansible_job_id", "results_file", "started")
        return {name: self._begun[name] for name in names if name in self._begun}

    def _tell(self, **state: bool) -> None:
        call = self._call
        call.run.emit(TaskProgress(call.host.name, call.task.id, {"async_job": self._jid, **state}))


def _seconds(call: Call, given: Any, name: str, default: float) -> float:
    value = call.keyword(given, default)
    try:
        return float(value if value not in (None, "") else default)
    except (TypeError, ValueError):
        raise TaskFault(f"{name} must be a number of seconds, not {value!r}", origin=call.task.origin,
                        code="keyword") from None
