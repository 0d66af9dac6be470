"""When one host's failure ends the play for the others: any_errors_fatal and max_fail_percentage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.engine.hosts import HostState
    from orchestrator.engine.play_runner import PlayRunner
    from orchestrator.model import Task


def enforce(runner: PlayRunner, task: Task, group: list[HostState]) -> None:
    """Fail the hosts that are left when the task's failures have gone beyond what the play allows."""
    batch = runner.play.batch
    if any(host.wrong is task for host in group) and _fatal(runner, task, group[0]):
        for host in batch.active():
            if host.wrong is not task:
                runner.fail(host, None)
    share = _keyword(runner, runner.play.play.max_fail_percentage, group[0], task)
    if share is None:
        return
    out = sum(1 for h in batch if h.failed or h.unreachable)
    newly = any(h.wrong is task and (h.failed or h.unreachable) for h in group)
    if newly and 100.0 * out / len(batch) > float(share):
        for host in batch.active():
            host.ended = True
            host.cursor.finish()
        runner.play.broken = True


def _fatal(runner: PlayRunner, task: Task, host: HostState) -> bool:
    return runner.run.options.any_errors_fatal or bool(_keyword(runner, task.any_errors_fatal, host, task))


def _keyword(runner: PlayRunner, value: Any, host: HostState, task: Task) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    scope = runner.run.variables.scope(host.name, play=runner.play.play, task=task)
    return runner.run.engine.render(value, scope, task.origin)
