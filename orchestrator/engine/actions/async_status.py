"""Looks for the job where the task that began it has put it: ``ansible_async_dir`` is the controller's to know."""

from __future__ import annotations

from orchestrator.engine.background import directory
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value


async def run(call: Call) -> Value:
    return await call.execute("async_status", {"_async_dir": directory(call), **call.args})
