"""Sets variables for a host, for the rest of the run.

Example:

    - set_fact:
        release_dir: "/srv/app/{{ version }}"

Returns: ``ansible_facts``. What a fact was rendered from does not matter any more: it is data, never rendered again.
"""

from __future__ import annotations

from typing import Any

from modules.api import Arg
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value
from orchestrator.engine.variable_names import check_name
from orchestrator.errors import TaskFault

ARGS = {"cacheable": Arg("bool", default=False, help="Also keep the value as a fact of the host.")}
ALLOW_UNKNOWN = True


async def run(call: Call) -> Value:
    facts: dict[str, Any] = {k: v for k, v in call.args.items() if k != "cacheable"}
    raw = facts.pop("_raw_params", None)
    if raw:
        raise TaskFault(f"set_fact takes name=value pairs, got {raw!r}", code="arguments", origin=call.task.origin)
    if not facts:
        raise TaskFault("No key/value pairs provided, at least one is required for this action to succeed",
                        code="arguments", origin=call.task.origin)
    for name in facts:
        check_name(name, call.task.origin)
    cacheable = str(call.args.get("cacheable", False)).lower() in ("true", "yes", "on", "1")
    value: Value = {"changed": False, "ansible_facts": facts}
    if cacheable:
        value["_ansible_facts_cacheable"] = True
    return value
