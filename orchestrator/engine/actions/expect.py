"""The controller's half of expect: ``timeout: null`` means to wait for ever, not that none was given."""

from __future__ import annotations

from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value


async def run(call: Call) -> Value:
    args = dict(call.args)
    if "timeout" in args and args["timeout"] is None:
        args["timeout"] = "none"
    return await call.execute("expect", args)
