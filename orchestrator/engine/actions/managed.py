"""The controller's half of package and service: which manager is meant, and what the play's defaults say of it.

The manager is ``use``, else (for packages) the variable ``ansible_package_use``, else what the facts say, else what the
host has. ``module_defaults`` of the manager's own module (apt, systemd …) count below the task's arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.engine.arguments import defaults_of
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value


class Kind(Struct, frozen=True):
    """``fact`` names the manager that the host has, ``modules`` do its work; ``variable`` names another."""

    variable: str | None
    fact: str
    modules: Mapping[str, str]


KINDS = {
    "package": Kind("ansible_package_use", "pkg_mgr",
                    {"apk": "apk", "apt": "apt", "dnf": "dnf", "dnf5": "dnf", "yum": "dnf"}),
    "service": Kind(None, "service_mgr",
                    {"systemd": "systemd", "sysvinit": "sysvinit", "openrc": "service"}),
}


async def run(call: Call) -> Value:
    kind = KINDS[call.task.action]
    args = dict(call.args)
    use = str(args.get("use") or "auto")
    if use == "auto" and kind.variable:
        use = str(call.variable(kind.variable) or "auto")
    args["use"] = use.rpartition(".")[2]
    candidates = {name: _defaults(call, module) for name, module in kind.modules.items()}
    if any(candidates.values()):
        manager = args["use"] if args["use"] != "auto" else await _found(call, kind)
        args = {**candidates.get(manager, {}), **args}
    if call.task.action == "service" and args["use"] == "auto":
        del args["use"]
    return await call.execute(call.task.action, args)


def _defaults(call: Call, module: str) -> dict[str, Any]:
    if module == call.task.action:
        return {}
    merged: dict[str, Any] = {}
    for layer in defaults_of(call, replace(call.task, action=module, action_written=module, bridged=None)):
        merged.update(layer)
    return merged


async def _found(call: Call, kind: Kind) -> str:
    """By the facts that were gathered, else by asking the host for this one."""
    known = call.variable("ansible_" + kind.fact)
    if known is None:
        value = await call.execute("setup", {"gather_subset": ["!all"], "filter": ["ansible_" + kind.fact]})
        known = (value.get("ansible_facts") or {}).get("ansible_" + kind.fact)
    return str(known or "auto")
