"""Waits until a host can be reached and answers.

Example:

    - wait_for_connection:
        timeout: 300

Returns: ``elapsed`` (whole seconds).
"""

from __future__ import annotations

import asyncio
import time

from modules.api import Arg
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value, failure
from orchestrator.errors import Unreachable

ARGS = {
    "connect_timeout": Arg("int", default=5, help="Seconds one attempt may take."),
    "delay": Arg("int", default=0, help="Seconds to wait before the first attempt."),
    "sleep": Arg("int", default=1, help="Seconds between attempts."),
    "timeout": Arg("int", default=600, help="Seconds in all."),
}


async def run(call: Call) -> Value:
    args = {name: float(call.args.get(name, spec.default)) for name, spec in ARGS.items()}
    began = time.monotonic()
    if call.check:
        return {"changed": False, "skipped": True, "elapsed": 0}
    await asyncio.sleep(args["delay"])
    last = "no attempt was made"
    while time.monotonic() - began < args["timeout"]:
        try:
            value = await call.execute("ping", {}, become=False)
            if not value.get("failed"):
                return {"changed": False, "elapsed": int(time.monotonic() - began)}
            last = str(value.get("msg"))
        except Unreachable as error:
            last = error.message
        await asyncio.sleep(max(0.1, args["sleep"]))
    return failure(f"timed out waiting for ping module test: {last}", "timeout",
                   elapsed=int(time.monotonic() - began))
