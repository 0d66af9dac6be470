"""The worker within `orch serve`."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from orchestrator.control.working import worker_of
from orchestrator.errors import OrchError
from orchestrator.runs.worker import WorkerOptions

if TYPE_CHECKING:
    from api.operator.service import OperatorService

RETRY_S = 5.0
LOG = logging.getLogger("orch.runs")


@asynccontextmanager
async def driver(service: OperatorService) -> AsyncIterator[None]:
    """Runs are driven, within, unless that is left to others.

    It starts beside the server, since what it imports takes a second.
    """
    if not service.options.capacity:
        yield
        return
    options = WorkerOptions(service.state_dir, service.store_url, service.options.capacity, "serve")
    over = threading.Event()
    thread = threading.Thread(target=drive, args=(options, over), name="driver")
    thread.start()
    try:
        yield
    finally:
        over.set()
        await asyncio.to_thread(thread.join)


def drive(options: WorkerOptions, over: threading.Event) -> None:
    """Have a worker until ``over``. One that could not begin, since the store was away just then, is begun again."""
    while True:
        try:
            worker = worker_of(options)
            try:
                worker.start()
                over.wait()
            finally:
                worker.stop()
        except Exception as error:
            LOG.error("no worker: runs wait until there is one: %s", error, exc_info=not isinstance(error, OrchError))
        if over.wait(RETRY_S):
            return
