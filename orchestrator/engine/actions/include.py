"""Brings in the tasks of a file while the run goes on.

Example:

    - include_tasks: "{{ ansible_os_family }}.yml"

Returns: ``include`` (the file), ``include_args``. The strategy loads the file and puts its tasks next.
"""

from __future__ import annotations

from modules.api import Arg
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value, failure

ARGS = {
    "file": Arg("str", aliases=("_raw_params",), help="The file of tasks."),
    "apply": Arg("dict", help="Keywords for every task of the file."),
}
FREE_FORM = "file"


async def run(call: Call) -> Value:
    name = call.args.get("file") or call.args.get("_raw_params")
    if not name:
        return failure("No file specified for include_tasks", "arguments")
    return {"changed": False, "include": str(name), "include_args": {}}
