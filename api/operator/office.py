"""The threads that speak to the store for the operator's API and page, each with a Control of its own."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from api.problems import busy
from orchestrator.control.control import Control
from orchestrator.errors import StoreError

THREADS = 4
MOST_QUEUED = 500
"""Requests that may wait for a thread at once. Others are asked to come again."""
RETRY_S = (2, 10)
FLUSH_EVERY_S = 60.0
"""Refusals that were only counted are written down that often."""
LOG = logging.getLogger("orch.api")
Result = TypeVar("Result")


class Office:
    """``open_control`` is called once in each thread, when it is first needed."""

    def __init__(self, open_control: Callable[[], Control], threads: int = THREADS,
                 most_queued: int = MOST_QUEUED) -> None:
        self._pool = ThreadPoolExecutor(threads, "office")
        self._open_control = open_control
        self._local = threading.local()
        self._opened: list[Control] = []
        self._waiting = 0
        self._most = most_queued + threads

    async def call(self, act: Callable[[Control], Result]) -> Result:
        """What ``act`` returns or raises. 503 with Retry-After, spread at random, while too much is waiting."""
        if self._waiting >= self._most:
            raise busy("server_busy", "the server has too much to do at the moment", random.randint(*RETRY_S))
        self._waiting += 1
        try:
            context = contextvars.copy_context()  # the request's id, for lines of the log
            return await asyncio.get_running_loop().run_in_executor(self._pool, context.run, self._act, act)
        finally:
            self._waiting -= 1

    def _act(self, act: Callable[[Control], Result]) -> Result:
        control: Control | None = getattr(self._local, "control", None)
        if control is None:
            control = self._local.control = self._open_control()
            self._opened.append(control)
            self._local.flushed = time.monotonic()
        try:
            return act(control)
        finally:
            if time.monotonic() - self._local.flushed > FLUSH_EVERY_S:
                self._local.flushed = time.monotonic()
                control.books.audit.flush()

    async def close(self) -> None:
        """Wait for what runs; what waits is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._pool.shutdown, wait=True)
        while self._opened:
            try:
                self._opened.pop().close()
            except StoreError as error:
                LOG.warning("at the end: %s", error.message)
