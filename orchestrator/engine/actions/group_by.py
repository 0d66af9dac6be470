"""Puts hosts into groups made from their own variables.

Example:

    - group_by:
        key: "os_{{ ansible_distribution | lower }}"

Returns: ``add_group``, ``parent_groups``.
"""

from __future__ import annotations

from modules.api import Arg
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value
from orchestrator.errors import TaskFault

ARGS = {
    "key": Arg("str", required=True, help="The group's name; blanks become dashes."),
    "parents": Arg("list", elements="str", default=["all"], help="Groups to put the new one into."),
}


async def run(call: Call) -> Value:
    if "key" not in call.args:
        raise TaskFault("the 'key' param is required when using group_by", code="arguments", origin=call.task.origin)
    parents = call.args.get("parents", ["all"])
    parents = [parents] if isinstance(parents, str) else list(parents)
    group = str(call.args["key"]).replace(" ", "-")
    above = [str(p).replace(" ", "-") for p in parents]
    known = call.run.inventory.groups
    inside = group in {g.name for g in call.run.inventory.groups_of(call.host.name)}
    placed = all(name in known and (name == "all" or group in known[name].children) for name in above)
    return {"changed": not (inside and placed), "add_group": group, "parent_groups": above}
