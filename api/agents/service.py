"""The agent gateway at work: its application, and what goes on beside requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from api.agents.app import gateway_app
from api.agents.desk_thread import DeskThread
from api.agents.gateway import Gateway
from api.problems import Problem
from api.tls import ServerContext
from orchestrator.agents.changes import Changes
from orchestrator.agents.desk import Desk
from orchestrator.agents.office import utc_now
from orchestrator.agents.rollouts import Rollout
from orchestrator.agents.servers import BEAT_EVERY_S, Server, this_server
from orchestrator.errors import OrchError, StoreError

SWEEP_EVERY_S = 5.0
LOOK_AT_CA_EVERY_S = 5.0
LOOK_AT_LEAST_EVERY_S = 30.0
FAILED_RETRY_S = 5.0
LOG = logging.getLogger("orch.api")


class AgentService:
    """Open it with `running`; then ``app`` is served on the gateway's port.

    ``rollout``: to how many per cent of the agents updates are let, until an operator has decided it.
    """

    def __init__(self, open_desk: Callable[[], Desk], *, is_behind_proxy: bool = False, url: str | None = None,
                 pin: Callable[[], str | None] = lambda: None, rollout: int = 100) -> None:
        def opened() -> Desk:
            desk = open_desk()
            desk.rollouts.otherwise = Rollout(rollout)
            desk.jobs.update_for = desk.rollouts.version_for
            return desk

        self.desk = DeskThread(opened)
        self.gateway = Gateway(self.desk, is_behind_proxy=is_behind_proxy, url=url, pin=pin)
        self.app = gateway_app(self.gateway)

    @asynccontextmanager
    async def running(self, tls: ServerContext | None = None, url: str | None = None) -> AsyncIterator[None]:
        """Wakes agents, sweeps, and watches over the certificates, within.

        ``url``: where agents call; the store has it meanwhile, for whoever invites.
        """
        changes = Changes(await self.desk.call(lambda desk: desk.database))
        works: list[Callable[[], Awaitable[None]]] = [lambda: self._wake(changes), self._sweep]
        if tls is not None:
            works.append(lambda: _watch_over(tls))
        here = None if url is None else this_server(url, self.gateway.is_behind_proxy, utc_now())
        if here is not None:
            works.append(lambda: self._be_known(here))
        tasks = [asyncio.create_task(_for_ever(work)) for work in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if here is not None:
                await self._be_forgotten(here)
            await changes.close()
            await self.desk.close()

    async def _wake(self, changes: Changes) -> None:
        """Agents with news, whenever somebody has written to the store."""
        waiting = self.gateway.waiting
        mark = changes.mark()
        while True:
            await waiting.someone.wait()
            waiting.wake(await self.desk.call(lambda desk: desk.due()))
            mark = await changes.wait(mark, LOOK_AT_LEAST_EVERY_S)

    async def _be_known(self, here: Server) -> None:
        while True:
            await self.desk.call(lambda desk: desk.servers.beat(here))
            await asyncio.sleep(BEAT_EVERY_S)

    async def _be_forgotten(self, here: Server) -> None:
        """At the end in order. Of a kill -9 others find out by themselves."""
        try:
            await self.desk.call(lambda desk: desk.servers.end(here))
        except (StoreError, Problem):
            pass  # the store is away, or has too much to do: the process table and the heartbeat tell it as well

    async def _sweep(self) -> None:
        while True:
            await self.desk.call(lambda desk: desk.sweep())
            await asyncio.sleep(SWEEP_EVERY_S)


async def _watch_over(tls: ServerContext) -> None:
    """`orch ca rotate` and `retire` hold at once, without a restart; so does a server's certificate made anew."""
    while True:
        await asyncio.sleep(LOOK_AT_CA_EVERY_S)
        await asyncio.to_thread(tls.refresh)


async def _for_ever(work: Callable[[], Awaitable[None]]) -> None:
    """What fails is said and begun again: agents are not left waiting since the store was away for a moment."""
    while True:
        try:
            await work()
        except Exception as error:
            LOG.error("the gateway: %s", error, exc_info=not isinstance(error, OrchError))
            await asyncio.sleep(FAILED_RETRY_S)
