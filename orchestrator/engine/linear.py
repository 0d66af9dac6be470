"""The linear strategy: no host starts a task before all have ended the one before, as Ansible has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine.limits import enforce

if TYPE_CHECKING:
    from orchestrator.engine.cursor import Step
    from orchestrator.engine.hosts import HostState
    from orchestrator.engine.play_runner import PlayRunner


async def run_linear(runner: PlayRunner, hosts: list[HostState]) -> None:
    """Take the hosts to the end of the play."""
    while not runner.run.stop.draining:
        steps = _steps(runner, hosts)
        if not steps:
            return
        key = min(step.key for step in steps.values())
        task = next(step.task for step in steps.values() if step.key == key)
        group = [host for host, step in steps.items() if step.key == key and step.task is task]
        await runner.step(task, group)
        enforce(runner, task, group)


def _steps(runner: PlayRunner, hosts: list[HostState]) -> dict[HostState, Step]:
    found: dict[HostState, Step] = {}
    for host in hosts:
        if not host.active:
            continue
        step = host.cursor.peek()
        if step is None:
            runner.check_end(host)
        else:
            found[host] = step
    return found
