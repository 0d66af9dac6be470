"""The clock within `orch serve`: schedules, messages, and what did not happen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from orchestrator.control.control import open_control
from orchestrator.scheduling.threads import ClockThreads

if TYPE_CHECKING:
    from api.operator.service import OperatorService


@asynccontextmanager
async def clock(service: OperatorService) -> AsyncIterator[None]:
    """Two threads, each on a connection of its own: nothing of theirs keeps a request waiting."""
    threads = ClockThreads(lambda: open_control(service.state_dir, service.store_url))
    threads.start()
    try:
        yield
    finally:
        await asyncio.to_thread(threads.stop)
