"""Brings in a role while the run goes on.

Example:

    - include_role:
        name: nginx
        tasks_from: reload

Returns: ``include_role``: what was asked for. The strategy loads the role and puts its tasks next.
"""

from __future__ import annotations

from modules.api import Arg
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value, failure

ARGS = {
    "name": Arg("str", aliases=("role",), help="The role."),
    "tasks_from": Arg("str", default="main", help="File of tasks/ to run."),
    "vars_from": Arg("str", default="main", help="File of vars/ to read."),
    "defaults_from": Arg("str", default="main", help="File of defaults/ to read."),
    "handlers_from": Arg("str", default="main", help="File of handlers/ to add."),
    "apply": Arg("dict", help="Keywords for every task of the role."),
    "public": Arg("bool", default=False, help="Keep the role's defaults and vars for the rest of the play."),
    "allow_duplicates": Arg("bool", default=True, help="Run it even if it has run already."),
    "rolespec_validate": Arg("bool", default=True, help="Check the parameters against the role's argument_specs."),
}


async def run(call: Call) -> Value:
    spec = dict(call.args)
    name = spec.pop("name", None) or spec.pop("role", None)
    if not name:
        return failure("'name' is a required field for include_role.", "arguments")
    spec.pop("apply", None)
    return {"changed": False, "include_role": {"name": str(name), **spec}}
