"""Gathers facts, as the start of a play does.

Example:

    - gather_facts:

Returns: ``ansible_facts``. The variable ``ansible_facts_modules`` (or ``ANSIBLE_FACTS_MODULES``) names the modules that
tell them, ``setup`` when nothing does; of what several tell, the later one's word counts, and lists are joined.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from modules.api import Arg
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value, is_failed
from orchestrator.errors import TaskFault
from orchestrator.template.filters.collections import merge
from orchestrator.template.types import Map

ARGS = {"parallel": Arg("bool", help="Accepted for compatibility; one runtime gathers all.")}
ALLOW_UNKNOWN = True

SETUP = frozenset({"smart", "setup", "ansible.builtin.setup", "ansible.legacy.setup"})
OF_SETUP = frozenset({"gather_subset", "gather_timeout", "filter"})
"""Arguments that other modules of facts are not given."""


async def run(call: Call) -> Value:
    args = {k: v for k, v in call.args.items() if k != "parallel"}
    facts: dict[str, Any] = {}
    last: Value = {}
    for name in _modules(call):
        last = await (call.execute("setup", args) if name in SETUP else _by_module(call, name, args))
        if is_failed(last) or "ansible_facts" not in last:
            return last
        facts = merge(facts, last["ansible_facts"], recursive=True, lists="append_rp")
    return {**last, "ansible_facts": {**facts, "_ansible_facts_gathered": True}}


def _modules(call: Call) -> list[str]:
    """As named, `setup` once whatever it is called."""
    named = call.variable("ansible_facts_modules") or call.run.options.facts_modules
    names = [named] if isinstance(named, str) else list(named)
    names = [name.strip() for entry in names for name in str(entry).split(",") if name.strip()]
    setups = [name for name in names if name in SETUP]
    return [name for name in names if name not in setups[1:]] or ["setup"]


async def _by_module(call: Call, name: str, args: dict[str, Any]) -> Value:
    from orchestrator.engine.actions import action_for
    from orchestrator.engine.arguments import rendered_arguments

    task, given = call.task, call.args
    meant = call.run.loader.module(name, task=task, play=call.play.play)
    if meant is None or meant.name is None:
        raise TaskFault(f"couldn't resolve module/action '{name}'", code="module", origin=task.origin,
                        hint="ansible_facts_modules, or ANSIBLE_FACTS_MODULES, names the modules that gather facts")
    written = Map({k: v for k, v in args.items() if k not in OF_SETUP}, origin=task.origin)
    call.task = replace(task, action=meant.name, action_written=name, args=written, bridged=meant.bridged)
    try:
        call.args = rendered_arguments(call)
        return await action_for(meant.name if meant.bridged is None else "bridged")(call)
    finally:
        call.task, call.args = task, given
