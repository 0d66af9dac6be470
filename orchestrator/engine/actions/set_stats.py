"""Sets figures that are told at the end of the run.

Example:

    - set_stats:
        data:
          restarted: 1
        per_host: true

Returns: ``ansible_stats``. Shown below the recap where ``ANSIBLE_SHOW_CUSTOM_STATS`` asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.api import Arg
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value
from orchestrator.engine.variable_names import check_name
from orchestrator.errors import TaskFault
from orchestrator.template.types import Template

ARGS = {
    "data": Arg("raw", help="Names and their values."),
    "per_host": Arg("raw", default=False, help="For each host instead of for the run as a whole."),
    "aggregate": Arg("raw", default=True, help="Add to what is there (numbers, texts, lists, mappings)."),
}
ALLOW_UNKNOWN = True


async def run(call: Call) -> Value:
    data = call.args.get("data") or {}
    if not isinstance(data, Mapping):
        raise TaskFault("The 'data' option needs to be a dictionary/hash", code="arguments", origin=call.task.origin)
    named = {_name(call, name): value for name, value in data.items()}
    return {"changed": False, "ansible_stats": {"data": named, "per_host": _flag(call, "per_host", False),
                                                "aggregate": _flag(call, "aggregate", True)}}


def _name(call: Call, name: Any) -> str:
    if isinstance(name, str) and "{{" in name:
        name = call.render(Template(name, call.task.args.value_origin("data")))
    return check_name(name, call.task.origin)


def _flag(call: Call, name: str, default: bool) -> bool:
    return str(call.args.get(name, default)).lower() in ("true", "yes", "on", "1", "y", "t")
