"""What a stored result changes for the tasks behind it: registered names, facts, hosts and groups.

Effects follow from the task and its value alone, so that replaying a journal has the same effects as running did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.engine import custom_stats
from orchestrator.engine.outcome import Value
from orchestrator.template.types import Sealed, VaultedText

if TYPE_CHECKING:
    from orchestrator.engine.context import RunContext
    from orchestrator.model import Task

FACT_SETTERS = frozenset({"set_fact"})
VAR_INCLUDERS = frozenset({"include_vars"})
DELEGATED = "_ansible_delegated_to"
"""In an item's value: the host that its ``delegate_to`` named, which may be another for each item."""
NOTES = frozenset({DELEGATED, "_ansible_item_label", "_ansible_ignored", "_ansible_verbose_always", "ignored"})
ENCRYPTED = "(encrypted)"
CONNECTION_PREFIXES = ("ansible_", "orch_")


def apply(run: RunContext, task: Task, hosts: Iterable[str], value: Value, *, delegate: str | None,
          delegate_facts: bool) -> None:
    """Put a task's value into effect for ``hosts``: the one it ran on, or all of the batch for ``run_once``."""
    names = list(hosts)
    for part in parts_of(value):
        there = part.get(DELEGATED, delegate)
        apply_facts(run, task, [there] if there and delegate_facts else names, part)
        if "add_host" in part:
            _add_host(run, part["add_host"])
        if isinstance(part.get("ansible_stats"), dict):
            custom_stats.collect(run.custom_stats, names, part["ansible_stats"])
        if "add_group" in part:
            for name in names:
                run.inventory.add_group(part["add_group"], host=name, parents=part.get("parent_groups") or ())
            run.variables.inventory_changed()
    if task.register:
        for name in names:
            run.variables.register(name, task.register, registered(value))


def registered(value: Mapping[str, Any]) -> Value:
    """A value as playbooks see it: without what the engine notes in it for itself."""
    kept = {name: part for name, part in value.items() if name not in NOTES}
    if isinstance(kept.get("results"), list) and _is_loop(kept["results"]):
        kept["results"] = [registered(part) for part in kept["results"]]
    return kept


def parts_of(value: Value) -> Iterator[Mapping[str, Any]]:
    """The value itself, or each item's for a loop; what was skipped or failed has no part in it."""
    results = value.get("results")
    parts = results if isinstance(results, list) and results and _is_loop(results) else [value]
    for part in parts:
        if not (part.get("skipped") or part.get("unreachable")):
            yield part


def _is_loop(results: list[Any]) -> bool:
    """Modules may return ``results`` of their own: an item of a loop names its loop variable."""
    return all(isinstance(r, Mapping) and "ansible_loop_var" in r for r in results)


def apply_facts(run: RunContext, task: Task, hosts: Iterable[str], value: Mapping[str, Any]) -> None:
    facts = value.get("ansible_facts")
    if not isinstance(facts, Mapping) or not facts:
        return
    for name in hosts:
        if task.action in FACT_SETTERS:
            for fact, content in facts.items():
                run.variables.set_fact(name, fact, content, cacheable=bool(value.get("_ansible_facts_cacheable")))
        elif task.action in VAR_INCLUDERS:
            run.variables.include_vars(name, facts)
        else:
            run.variables.set_facts(name, facts)
        if task.action in FACT_SETTERS | VAR_INCLUDERS and any(str(k).startswith(CONNECTION_PREFIXES) for k in facts):
            run.links.forget(name)


def plain(value: Any) -> Any:
    """A value for the eyes: templates as their source, vault texts closed. It becomes data that nobody renders."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return ENCRYPTED if isinstance(value, (Sealed, VaultedText)) else getattr(value, "source", value)


def is_withheld(value: Any) -> bool:
    """Whether a stored value lacks a vault text: a fact made of one is in no store."""
    if isinstance(value, Mapping):
        return any(is_withheld(part) for part in value.values())
    if isinstance(value, list):
        return any(is_withheld(part) for part in value)
    return bool(value == ENCRYPTED)


def _add_host(run: RunContext, spec: Mapping[str, Any]) -> None:
    run.inventory.add_host(spec["host_name"], groups=spec.get("groups") or (), vars=spec.get("host_vars") or {})
    run.variables.inventory_changed()
    run.links.forget(spec["host_name"])
