"""Waits for a time, or for the operator.

Example:

    - pause:
        seconds: 10

Returns: ``start``, ``stop``, ``delta`` (whole units), ``user_input``, ``stdout``, ``echo``. Runs once for a batch.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime
from typing import Any

from modules.api import Arg, exclusive
from orchestrator.engine.asking import answer
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value
from orchestrator.errors import TaskFault
from orchestrator.events import Notice

ARGS = {
    "minutes": Arg("float", help="How long, in minutes."),
    "seconds": Arg("float", help="How long, in seconds."),
    "prompt": Arg("str", help="What to ask; without a time, waits for Enter."),
    "echo": Arg("bool", default=True, help="Show what is typed."),
}
RULES = (exclusive("minutes", "seconds"),)
ONCE = True


async def run(call: Call) -> Value:
    args = call.args
    for name in ("minutes", "seconds"):
        if name in args:
            args[name] = _number(call, name, args[name])
    began = time.time()
    typed = ""
    if "minutes" in args or "seconds" in args:
        wait_s = max(0.0, args.get("seconds", args.get("minutes", 0) * 60))
        unit = "minutes" if "minutes" in args else "seconds"
        call.run.emit(Notice("info", f"Pausing for {max(1, round(wait_s))} seconds"))
        await call.run.stop.sleep(wait_s)
    else:
        unit = "minutes"
        typed = await _ask(call, args.get("prompt"))
    ended = time.time()
    delta = (ended - began) / (60 if unit == "minutes" else 1)
    stdout = f"Paused for {round(delta, 2)} {unit}"
    return {"changed": False, "rc": 0, "stderr": "", "stdout": stdout, "start": str(datetime.fromtimestamp(began)),
            "stop": str(datetime.fromtimestamp(ended)), "delta": int(delta), "echo": bool(args.get("echo", True)),
            "user_input": typed}


def _number(call: Call, name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TaskFault(f"non-integer value given for prompt duration: {value!r}", code="arguments",
                        origin=call.task.args.value_origin(name)) from None


async def _ask(call: Call, prompt: Any) -> str:
    """What the operator types. Without a terminal nobody can answer: say so and go on, as Ansible does."""
    if not (call.run.interactive and sys.stdin.isatty()):
        call.run.notice("Not waiting for response to prompt as stdin is not interactive")
        return ""
    text = f"{prompt}:" if prompt else "Press enter to continue, Ctrl+C to interrupt:"
    print(f"[{call.task.name or 'pause'}]\n{text}", flush=True)
    line: str = await answer(call.run.stop, sys.stdin.readline)
    return line.rstrip("\n")
