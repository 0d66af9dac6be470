"""One task on one host while it runs: where it belongs, what has become of it so far, and its row in the results."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from orchestrator.engine import effects
from orchestrator.engine.judgement import NO_TRACEBACK, Judge
from orchestrator.engine.naming import written_name
from orchestrator.engine.outcome import Value, censor, is_failed, status_of
from orchestrator.errors import OrchError
from orchestrator.events import TaskResult
from orchestrator.template.omit import OMIT

if TYPE_CHECKING:
    from orchestrator.engine.context import PlayContext, RunContext
    from orchestrator.engine.hosts import HostState
    from orchestrator.engine.lane import Lane
    from orchestrator.model import Task
    from orchestrator.variables.scope import Scope


class Doing(Struct, eq=False):
    """Shared by the parts that loop, attempt and tell; ``scope`` is the task's own, without any item."""

    run: RunContext
    play: PlayContext
    host: HostState
    task: Task
    path: str
    scope: Scope
    judge: Judge
    lane: Lane | None = None
    place: int = 0
    delegate: str | None = None
    carrier: tuple[str, str] = ("controller", "")
    no_log: bool = False
    started: float = field(default_factory=time.time)

    def keyword(self, value: Any, default: Any = None) -> Any:
        """A keyword's value for this host, or ``default`` when it is not set, or omitted here."""
        found = None if value is None else self.run.engine.render(value, self.scope, self.task.origin)
        return default if found is None or found is OMIT else found

    def row(self, value: Value, index: int | None, label: str | None, ignored: bool,
             started: float | None = None) -> TaskResult:
        """The one result schema, filled in: for an item when ``index`` is given, else for the whole task."""
        task, now = self.task, time.time()
        started = started or self.started
        kept = censor(value) if self.no_log else value
        shown = {k: v for k, v in kept.items() if k not in ("diff", "warnings") and v is not NO_TRACEBACK}
        if task.action in effects.VAR_INCLUDERS | effects.FACT_SETTERS:
            shown = effects.plain(shown)
        rescued = (is_failed(value) and not ignored and index is None and not value.get("unreachable")
                   and self.host.cursor.rescuing_blocks())
        return TaskResult(
            run_id=self.run.run_id, play_id=self.play.play.id, play_name=self.play.name, task_id=task.id,
            task_name=self._name(), task_origin=str(task.origin), module=task.action, host=self.host.name,
            status=status_of(value), attempt=self.run.journal.attempt((self.host.name, task.id, self.path, index)),
            item_index=index, item_label=label,
            carrier=self.carrier[0], carrier_reason=self.carrier[1],
            delegated_to=self.delegate if self.delegate != self.host.name else None, rescued=rescued,
            ignored=ignored, check_mode=bool(self.run.options.check), no_log=self.no_log, handler=task.handler,
            role=task.role.fqcn if task.role else None, started=datetime.fromtimestamp(started, UTC),
            ended=datetime.fromtimestamp(now, UTC), duration_s=round(now - started, 6),
            message=_message(value) if not self.no_log else "",
            error_code=value.get("error_code"), hint=None if self.no_log else value.get("hint"), values=shown,
            diff=[] if self.no_log else _as_list(value.get("diff")),
            warnings=[] if self.no_log else list(value.get("warnings") or ()), path=self.path, trail=task.trail,
        )

    def _name(self) -> str:
        name = written_name(self.task)
        try:
            return str(self.run.engine.render(name, self.scope, self.task.origin))
        except OrchError:
            return str(getattr(name, "source", name))


def _message(value: Value) -> str:
    """Of a condition that failed itself, what it says; the module had nothing to complain of. Of a loop that did not
    reach the host, why."""
    if not is_failed(value) and "unreachable" not in value:
        return ""
    if value.get("unreachable") and isinstance(value.get("results"), list):
        gone = next((item for item in value["results"] if item.get("unreachable")), value)
        return str(gone.get("msg"))
    told = [value.get(key) for key in ("changed_when_result", "failed_when_result")]
    return str(next((one for one in told if isinstance(one, str)), None) or value.get("msg") or "Unknown error.")


def _as_list(diff: Any) -> list[Any]:
    if not diff:
        return []
    return list(diff) if isinstance(diff, list) else [diff]
