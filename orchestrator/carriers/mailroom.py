"""What the mailbox connections of a run have in common: the store on a thread of its own, and one look for all jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from orchestrator.agents.changes import Changes
    from orchestrator.agents.opening import Opened
    from orchestrator.agents.post import Post

T = TypeVar("T")


class MailRoom:
    """Opened by whoever first needs it. Its methods belong to the run's loop."""

    def __init__(self, open_post: Callable[[], Opened]) -> None:
        self._open = open_post
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mailbox")
        self._opening: asyncio.Future[Opened] | None = None
        self._changes: Changes | None = None

    async def ask(self, question: Callable[[Post], T]) -> T:
        """Put ``question`` to the post, on its thread. Raises `StoreError`, and what the question raises."""
        if self._opening is None:
            self._opening = asyncio.get_running_loop().run_in_executor(self._thread, self._open)
        post, _ = await asyncio.shield(self._opening)
        return await asyncio.get_running_loop().run_in_executor(self._thread, question, post)

    async def changes(self) -> Changes:
        """Tells when somebody has written to the store."""
        if self._changes is None:
            from orchestrator.agents.changes import Changes

            await self.ask(lambda post: None)
            assert self._opening is not None
            self._changes = self._changes or Changes(self._opening.result()[1])
        return self._changes

    async def enrolled(self) -> frozenset[str]:
        """The hosts with an agentlet."""
        return frozenset(agent.host for agent in await self.ask(lambda post: post.agents()))

    async def close(self) -> None:
        if self._changes is not None:
            await self._changes.close()
        if self._opening is not None:
            opened = (await asyncio.gather(self._opening, return_exceptions=True))[0]
            if not isinstance(opened, BaseException):
                await asyncio.get_running_loop().run_in_executor(self._thread, opened[1].close)
        self._thread.shutdown(wait=True)
