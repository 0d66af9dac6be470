"""What a plan foresees for each host, and how far that still holds. Pure.

A plan is bound to three things: the bytes of the content, the facts that decide which way a playbook goes, and every
change that was foreseen. A host for which one of them is another now has drifted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from orchestrator.events import Event, ItemDone, RunStarted, TaskDone, TaskResult

DECIDING_FACTS = (
    "architecture", "distribution", "distribution_major_version", "distribution_release", "distribution_version",
    "domain", "fqdn", "hostname", "kernel", "machine_id", "memtotal_mb", "os_family", "pkg_mgr", "processor_vcpus",
    "python_version", "selinux", "service_mgr", "system", "virtualization_role", "virtualization_type",
)
"""Those that do not change by themselves from one minute to the next, and that conditions and templates ask for."""
PREFIX = "ansible_"
GATHERING = frozenset({"setup", "gather_facts"})
MOST_TOLD = 5


class Foreseen(Struct, frozen=True):
    """One change: what task, and a digest of what it would do."""

    task: str
    """Task id, path and item: the same in every run of the same content."""
    name: str
    origin: str
    digest: str


class HostPlan(Struct):
    facts: dict[str, Any] = field(default_factory=dict)
    changes: list[Foreseen] = field(default_factory=list)
    failed: str = ""
    """Why there is no plan for this host; empty when there is one."""


class Prediction:
    """Collects what a run in check mode says; ``hosts`` is the plan by host, in order of appearance."""

    def __init__(self) -> None:
        self.run_id = ""
        self.hosts: dict[str, HostPlan] = {}

    def on(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self.run_id = event.run_id
        elif isinstance(event, ItemDone) and not event.will_retry:
            self._take(event.result)
        elif isinstance(event, TaskDone):
            self._take(event.result, of_loop=event.looped)

    def close(self) -> None:
        """Nothing is kept open."""

    def take_stored(self, results: Sequence[TaskResult]) -> None:
        """The stored results of a run in place of its events. Of a loop its items count, and not their summary."""
        of_loops = {(one.host, one.task_id, one.path) for one in results if one.item_index is not None}
        for result in results:
            summary = result.item_index is None and (result.host, result.task_id, result.path) in of_loops
            self._take(result, of_loop=summary)

    def _take(self, result: TaskResult, of_loop: bool = False) -> None:
        plan = self.hosts.setdefault(result.host, HostPlan())
        if result.module in GATHERING:
            plan.facts.update(deciding(result.values.get("ansible_facts") or {}))
        if result.status == "changed" and not of_loop:
            plan.changes.append(foreseen(result))
        elif result.status not in ("ok", "changed", "skipped") and not (result.ignored or result.rescued):
            plan.failed = plan.failed or f"{result.task_name}: {result.message or result.status}"


def deciding(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Of a host's facts those that a plan is bound to, without the prefix."""
    found = {name: facts.get(PREFIX + name, facts.get(name)) for name in DECIDING_FACTS}
    return {name: value for name, value in found.items() if value is not None}


def foreseen(result: TaskResult) -> Foreseen:
    """A result in check mode as the change that it foresees."""
    task = f"{result.task_id} {result.path} {'' if result.item_index is None else result.item_index}".rstrip()
    differences = [{name: entry[name] for name in sorted(entry) if not name.endswith("_header")}
                   for entry in result.diff]
    told = [result.module, result.item_label, result.values.get("checksum"), differences]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode("utf-8", "surrogatepass")).hexdigest()
    return Foreseen(task, result.task_name, result.task_origin, digest)


def drifted(planned: Mapping[str, HostPlan], now: Mapping[str, HostPlan]) -> dict[str, list[str]]:
    """By host, what is not as it was planned, in sentences; a host that is as it was is not among them."""
    found = {host: list(_differences(plan, now.get(host))) for host, plan in planned.items()}
    found |= {host: ["it was not part of the plan"] for host in now if host not in planned}
    return {host: sentences for host, sentences in found.items() if sentences}


def _differences(planned: HostPlan, now: HostPlan | None) -> Iterator[str]:
    if now is None:
        yield "it is not among the hosts any more"
        return
    if now.failed:
        yield now.failed
        return
    for name, value in planned.facts.items():
        if now.facts.get(name) != value:
            yield f"the fact {name} was {value!r}, and is {now.facts.get(name)!r}"
    before = {change.task: change for change in planned.changes}
    after = {change.task: change for change in now.changes}
    for task, change in before.items():
        if task not in after:
            yield f"'{change.name}' would change nothing any more"
        elif after[task].digest != change.digest:
            yield f"'{change.name}' would make another change than planned"
    for task, change in after.items():
        if task not in before:
            yield f"'{change.name}' would make a change that was not planned"


def told(sentences: list[str]) -> str:
    """The first few sentences, and how many there are besides."""
    rest = len(sentences) - MOST_TOLD
    return "; ".join(sentences[:MOST_TOLD]) + (f"; and {rest} more" if rest > 0 else "")
