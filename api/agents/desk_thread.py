"""The one thread that speaks to the store for the gateway, and the queue before it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from api.problems import busy
from orchestrator.agents.desk import Desk
from orchestrator.errors import StoreError

MOST_QUEUED = 2_000
"""Requests that may wait for the thread at once, some seconds of its work. Others are asked to come again."""
RETRY_S = (5, 30)
LOG = logging.getLogger("orch.api")
Result = TypeVar("Result")


class DeskThread:
    """Calls on a `Desk`, one after the other, in a thread of its own: the store is synchronous, the server is not."""

    def __init__(self, open_desk: Callable[[], Desk], most_queued: int = MOST_QUEUED) -> None:
        self._thread = ThreadPoolExecutor(1, "desk")
        self._open_desk = open_desk
        self._desk: Desk | None = None
        self._queued = 0
        self._most_queued = most_queued

    async def call(self, act: Callable[[Desk], Result]) -> Result:
        """What ``act`` returns or raises. 503 with Retry-After, spread at random, while too much is waiting."""
        if self._queued >= self._most_queued:
            raise busy("server_busy", "the server has too much to do at the moment", random.randint(*RETRY_S))
        self._queued += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._act, act)
        finally:
            self._queued -= 1

    def _act(self, act: Callable[[Desk], Result]) -> Result:
        if self._desk is None:
            self._desk = self._open_desk()
        return act(self._desk)

    async def close(self) -> None:
        """Wait for what runs; what waits is dropped. The desk writes what it keeps in memory."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._thread.shutdown, wait=True)
        if self._desk is None:
            return
        try:
            self._desk.close()
        except StoreError as error:  # the store is away: when agents were last seen is not worth waiting for it
            LOG.warning("at the end: %s", error.message)
        finally:
            self._desk.database.close()
