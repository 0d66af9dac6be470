"""Agents that wait for work: at most one held request each, woken when there may be news for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

MOST_WAITING = 20_000
SAME_NEWS_S = 5.0
"""An agent that was told of a job or a cancel and asks again is told again after this long: it is at it already, or the
answer was lost on its way."""


class Waiter:
    """One held request."""

    def __init__(self) -> None:
        self.is_over = False
        """Nothing more is waited for: the agent has asked anew, or the server stops."""
        self._news: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait(self, limit_s: float) -> None:
        """Returns when woken, or after ``limit_s``. A wake-up that came since the last call counts."""
        timer = asyncio.get_running_loop().call_later(max(limit_s, 0), self.wake)
        try:
            await self._news
        finally:
            timer.cancel()
        self._news = asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        if not self._news.done():
            self._news.set_result(None)

    def end(self) -> None:
        self.is_over = True
        self.wake()


class Waiting:
    """All held requests of this process."""

    def __init__(self, most: int = MOST_WAITING, clock: Callable[[], float] = time.monotonic) -> None:
        self.is_draining = False
        self.someone = asyncio.Event()
        """Set while anybody waits."""
        self._most = most
        self._clock = clock
        self._waiters: dict[str, Waiter] = {}
        self._told: dict[str, tuple[object, float]] = {}

    def __len__(self) -> int:
        return len(self._waiters)

    def is_full(self, agent_id: str) -> bool:
        return len(self._waiters) >= self._most and agent_id not in self._waiters

    @contextmanager
    def enter(self, agent_id: str) -> Iterator[Waiter]:
        """A waiter for this agent. One that it had before is over: its connection is lost, or soon will be."""
        waiter = Waiter()
        if self.is_draining:
            waiter.end()
        before = self._waiters.get(agent_id)
        if before is not None:
            before.end()
        self._waiters[agent_id] = waiter
        self.someone.set()
        try:
            yield waiter
        finally:
            if self._waiters.get(agent_id) is waiter:
                del self._waiters[agent_id]
                if not self._waiters:
                    self.someone.clear()

    def is_news(self, agent_id: str, news: object) -> bool:
        """Whether ``news`` is something, and not what this agent was told just now. Remembers it as told."""
        if not news:
            self._told.pop(agent_id, None)
            return False
        told, at = self._told.get(agent_id, (None, 0.0))
        now = self._clock()
        if told == news and now - at < SAME_NEWS_S:
            return False
        self._told[agent_id] = (news, now)
        return True

    def wake(self, agent_ids: Iterable[str]) -> None:
        for agent_id in agent_ids:
            waiter = self._waiters.get(agent_id)
            if waiter is not None:
                waiter.wake()

    def drain(self) -> None:
        """Answer all, now and from now on."""
        self.is_draining = True
        for waiter in list(self._waiters.values()):
            waiter.end()
