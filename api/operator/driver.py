"""The worker within `orch serve`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from orchestrator.control.working import worker_of
from orchestrator.errors import OrchError
from orchestrator.runs.worker import WorkerOptions

if TYPE_CHECKING:
    from api.operator.service import OperatorService

LOG = logging.getLogger("orch.runs")


@asynccontextmanager
async def driver(service: OperatorService) -> AsyncIterator[None]:
    """Runs are driven, within, unless that is left to others.

    It starts beside the server, since what it imports takes a second.
    """
    if not service.options.capacity:
        yield
        return
    worker = worker_of(WorkerOptions(service.state_dir, service.store_url, service.options.capacity, "serve"))

    def start() -> None:
        try:
            worker.start()
        except Exception as error:
            LOG.error("no worker: runs wait until there is one: %s", error, exc_info=not isinstance(error, OrchError))

    starting = asyncio.create_task(asyncio.to_thread(start))
    try:
        yield
    finally:
        await starting
        await asyncio.to_thread(worker.stop)
