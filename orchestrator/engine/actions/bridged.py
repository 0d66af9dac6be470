"""Runs a module that orch does not have itself: the controller's half, which packs it and offers it to the host."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value, failure
from orchestrator.errors import TaskFault

if TYPE_CHECKING:
    from orchestrator.bridge.bridge import Package
    from orchestrator.bridge.found import Found

_RAW = "_raw_params"
COST = "it starts a process of its own on the host for each task, about 0.2 s"


async def run(call: Call) -> Value:
    """The module's value, mapped into orch's; raises `TaskFault` for one that cannot be packed."""
    found: Found = call.task.bridged
    if found.plugin is not None:
        from orchestrator.engine.actions.plugged import run_plugin

        return await run_plugin(call, found.plugin)
    if _RAW in call.args:
        return failure(f"Task failed: Action '{found.name}' does not support raw params.", "arguments")
    for name in sorted(found.only_without & set(call.args)):
        return failure(f"{found.name} with {name} needs a part of Ansible that runs on the controller (an action "
                       "plugin), which orch does not run", "module_unsupported", f"leave {name} out")
    return await run_found(call, found, call.args)


async def run_found(call: Call, found: Found, args: Mapping[str, Any]) -> Value:
    """Run ``found`` on the host with ``args``."""
    bridge = call.run.loader.bridge
    try:
        package: Package = await asyncio.to_thread(bridge.package, found)
    except TaskFault as fault:
        raise TaskFault(fault.message, origin=call.task.origin, code=fault.code, hint=fault.hint) from fault
    call.run.notice(f"{found.name} is run by the bridge from {found.path}: {COST}", level="info",
                    origin=call.task.origin)
    blobs: dict[str, Path | bytes] = {package.digest: package.data}
    return await call.execute("bridged", _arguments(call, found, package, args), blobs=blobs)


def _arguments(call: Call, found: Found, package: Package, args: Mapping[str, Any]) -> dict[str, Any]:
    from orchestrator.bridge.settings import settings_of

    # A job in the background has nobody whom it could ask for a blob.
    code = {"inline": base64.b64encode(package.data).decode()} if call.detach is not None else package.blob
    options = call.run.options
    return {
        "module": found.name, "style": package.style, "dotted": found.dotted, "code": code, "args": dict(args),
        "interpreter": _interpreter(call, package),
        "nofile": int(call.variable("ansible_python_module_rlimit_nofile") or 0),
        "settings": settings_of(found.name, call.run.loader.bridge.version, check=call.check, diff=call.diff,
                                no_log=call.no_log, verbosity=options.verbosity),
    }


def _interpreter(call: Call, package: Package) -> list[str] | None:
    """What runs a module that is no Python: a variable's word for it (``ansible_bash_interpreter``), else its own."""
    if not package.interpreter:
        return None
    given = call.variable(f"ansible_{package.program}_interpreter") if package.program.isidentifier() else None
    return [str(given)] if given else list(package.interpreter)
