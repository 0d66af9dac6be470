"""The free strategy: every host goes through the play at its own pace, by whole segments."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.engine.hosts import HostState
    from orchestrator.engine.play_runner import PlayRunner


async def run_free(runner: PlayRunner, hosts: list[HostState]) -> None:
    """Take the hosts to the end of the play."""
    await asyncio.gather(*(go(runner, host) for host in hosts))


async def go(runner: PlayRunner, host: HostState) -> None:
    """Take one host to the end of the play."""
    while host.active and not runner.run.stop.draining:
        step = host.cursor.peek()
        if step is None:
            runner.check_end(host)
            return
        await runner.segment(host)
