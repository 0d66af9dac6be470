"""Runs a command line by the host's login shell; needs no Python there.

Example:

    - raw: apt-get install -y python3

Returns: ``rc``, ``stdout``, ``stderr``. Skipped in check mode. Not retry-safe: without a runtime there is no receipt.
"""

from __future__ import annotations

from modules.api import Arg
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value, add_lines
from orchestrator.engine.raw_become import as_user
from orchestrator.errors import TaskFault

ARGS = {
    "free_form": Arg("str", required=True, help="The command line."),
    "executable": Arg("path", help="Run it by this shell, given as an absolute path."),
}
FREE_FORM = "free_form"


async def run(call: Call) -> Value:
    command = call.args.get("free_form") or call.args.get("_raw_params")
    if not command:
        raise TaskFault("no command given", code="arguments", origin=call.task.origin)
    if call.check:
        return {"changed": True, "skipped": True, "msg": "remote module (raw) does not support check mode"}
    command, stdin = as_user(call, str(command), call.args.get("executable"))
    return add_lines(await call.raw(command, stdin))
