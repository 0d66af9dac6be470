"""Hosts that are reached by the mailbox go through a play at their own pace, and no other host waits for them.

A round trip to an agentlet takes as long as its host pleases: it may be asleep until Monday. So these hosts go by whole
segments under every strategy, and when all others are done the run waits for them, or leaves them what they have not
called for (`RunOptions.detach`, Ctrl-C): the mailbox keeps their jobs, and a resumed run finds them again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from orchestrator.engine.call import Call
from orchestrator.engine.free import go
from orchestrator.errors import OrchError

if TYPE_CHECKING:
    from orchestrator.engine.hosts import HostState
    from orchestrator.engine.play_runner import PlayRunner

Strategy = Callable[["PlayRunner", "list[HostState]"], Awaitable[None]]
MAILBOX = "mailbox"


async def run_batch(runner: PlayRunner, strategy: Strategy) -> None:
    """Take the batch to the end of the play: hosts of the mailbox each by itself, all others by ``strategy``."""
    hosts = runner.play.batch.active()
    apart = await _apart(runner, hosts)
    if not apart:
        await strategy(runner, hosts)
        return
    going = [asyncio.ensure_future(go(runner, host)) for host in apart]
    try:
        await strategy(runner, [host for host in hosts if host not in apart])
        if runner.run.options.detach:
            runner.run.stop.leave()
        await asyncio.gather(*going)
    finally:
        for one in going:
            one.cancel()


async def _apart(runner: PlayRunner, hosts: list[HostState]) -> list[HostState]:
    """The hosts that the mailbox reaches: those with an agentlet that SSH does not reach, or is not to."""
    enrolled = await runner.run.links.enrolled()
    asked = [host for host in hosts if host.name in enrolled]
    reached = await asyncio.gather(*(_by_mailbox(runner, host) for host in asked))
    return [host for host, by_mailbox in zip(asked, reached, strict=True) if by_mailbox]


async def _by_mailbox(runner: PlayRunner, host: HostState) -> bool:
    step = host.cursor.peek()
    if step is None:
        return False
    scope = runner.run.variables.scope(host.name, play=runner.play.play, task=step.task)
    call = Call(runner.run, runner.play, host, step.task, scope, {}, False, False, False, "")
    try:
        return (await call.connection()).carrier == MAILBOX
    except OrchError:
        return False  # the step itself fails in the same way, and is the place to tell
