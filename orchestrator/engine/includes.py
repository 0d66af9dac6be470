"""include_tasks and include_role, carried out: what each host asked for is loaded once and put next on its way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from orchestrator.engine.hosts import HostState
from orchestrator.engine.outcome import CENSORED, Value
from orchestrator.errors import Faults, OrchError
from orchestrator.events import Included
from orchestrator.model import Block
from orchestrator.template.types import Map

if TYPE_CHECKING:
    from orchestrator.engine.context import PlayContext, RunContext
    from orchestrator.engine.task_runner import Outcome
    from orchestrator.model import Task

Nodes = list[Any]


class Wanted(Struct):
    """One thing to include: the same for every host that asked in the same words."""

    what: str
    name: str
    spec: Mapping[str, Any]
    params: Mapping[str, Any]
    number: int
    label: str | None = None
    nodes: Nodes | None = None
    error: OrchError | None = None
    hosts: list[HostState] | None = None


class Includer:
    """Loads includes for a step's hosts and pushes them on the cursors. A file that fails to load fails its hosts."""

    def __init__(self, run: RunContext, play: PlayContext) -> None:
        self._run = run
        self._play = play
        self._ways: dict[tuple[str, str], list[Wanted]] = {}

    def load(self, task: Task, outcomes: list[Outcome]) -> None:
        """Read what the outcomes ask for; an outcome whose file or role cannot be read becomes a failed one.

        A ``run_once`` is an outcome of one host: only that host does what is included.
        """
        wanted: dict[str, Wanted] = {}
        ways: dict[HostState, list[Wanted]] = {}
        for outcome in outcomes:
            if outcome.failed or outcome.unreachable:
                continue
            ways[outcome.host] = [self._wanted(wanted, outcome.host, v, local) for v, local in _asked(outcome)]
        for one in wanted.values():
            self._load(task, one)
        for outcome in outcomes:
            _spoil(outcome, ways.get(outcome.host, []))
        for host, way in ways.items():
            if all(one.error is None for one in way):
                self._ways[task.id, host.name] = way

    def push(self, task: Task, hosts: list[HostState]) -> None:
        """Put what was loaded next on the way of each of these hosts; others may do the same task at the same time."""
        for host in hosts:
            way = self._ways.pop((task.id, host.name), [])
            blocks = [Block(f"{task.id}+{w.number}", task.origin, tasks=list(w.nodes or ())) for w in way]
            if blocks:
                host.cursor.push(blocks, [w.number for w in way])

    def _wanted(self, wanted: dict[str, Wanted], host: HostState, value: Value, local: Mapping[str, Any]) -> Wanted:
        spec = value.get("include_role") or {}
        what, name = ("role", spec["name"]) if spec else ("tasks", value["include"])
        key = json.dumps([what, name, spec, {k: v for k, v in local.items() if k != "ansible_loop"}], sort_keys=True,
                         default=repr)
        one = wanted.get(key)
        if one is None:
            one = wanted[key] = Wanted(what, name, spec, dict(local), len(wanted), value.get("_ansible_item_label"),
                                       hosts=[])
        assert one.hosts is not None
        one.hosts.append(host)
        return one

    def _load(self, task: Task, one: Wanted) -> None:
        key = (id(task), one.what, one.name, json.dumps([one.spec, one.params], sort_keys=True, default=repr))
        known = self._play.included.get(key)
        if known is None:
            try:
                known = self._load_tasks(task, one) if one.what == "tasks" else self._load_role(task, one)
            except OrchError as error:
                one.error = error
                return
            self._play.included[key] = known
        one.nodes, path = known
        self._run.emit(Included(one.what, path, tuple(h.name for h in one.hosts or ()), one.label))

    def _load_tasks(self, task: Task, one: Wanted) -> tuple[Nodes, str]:
        apply = task.args.get("apply")
        nodes = self._run.loader.include_tasks(one.name, task=task, play=self._play.play, params=Map(one.params),
                                               apply=apply)
        self._play.handlers.add(self._play.play.handlers)  # of roles that the file imports
        path = str(self._run.loader.resolve_file("tasks", one.name, task=task, play=self._play.play))
        return list(nodes), path

    def _load_role(self, task: Task, one: Wanted) -> tuple[Nodes, str]:
        spec = {k: v for k, v in one.spec.items() if k not in ("name", "role", "apply")}
        included = self._run.loader.include_role(one.name, task=task, play=self._play.play, params=Map(one.params),
                                                 apply=task.args.get("apply"), **spec)
        self._play.handlers.add(included.handlers)
        if included.role.public:
            self._run.variables.publish_role(self._play.play, included.role)
        return list(included.blocks), one.name


def _spoil(outcome: Outcome, way: list[Wanted]) -> None:
    """Make the outcome of an include that could not be read a failure, before it is stored.

    As in Ansible it counts as failed though a rescue may take it from there, and once for each file of a loop.
    """
    error = next((one.error for one in way if one.error is not None), None)
    if error is None:
        return
    for (value, _), one in zip(_asked(outcome), way, strict=True):
        value["failed"] = one.error is not None
    reason = "\n".join(_sentences(error))
    outcome.value.update(failed=True, changed=False, reason=reason, msg=reason, error_code=error.code)
    result = outcome.result
    if result.no_log:
        reason = outcome.value["reason"] = outcome.value["msg"] = CENSORED
    result.status, result.message, result.error_code = "failed", reason, error.code
    result.hint = None if result.no_log else error.hint
    result.values = {**result.values, "failed": True, "reason": reason, "msg": reason}
    result.rescued = False


def _sentences(error: OrchError) -> list[str]:
    found = error.errors if isinstance(error, Faults) else (error,)
    return [f"{e.origin}: {e.message}" if e.origin else e.message for e in found]


def _asked(outcome: Outcome) -> list[tuple[Value, Mapping[str, Any]]]:
    """What one host asked for: each item of a loop that was not skipped, or the task itself."""
    pairs = outcome.items if outcome.looped else [(outcome.value, {})]
    return [(v, local) for v, local in pairs
            if not v.get("skipped") and not v.get("failed") and ("include" in v or "include_role" in v)]
