"""What the viewers of a run have in common: messages made once for all of them, and a bounded queue for each."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec
from msgspec import Struct

from orchestrator.runs.feed import Item, Position

MOST_QUEUED_BYTES = 1 << 20


class Batch(Struct, frozen=True):
    """Items read together, as bytes; ``before`` and ``after``: the reader's positions."""

    before: Position
    after: Position
    items: list[Item]
    parts: list[bytes]
    joined: bytes

    def behind(self, position: Position) -> bytes:
        """What of it a viewer at ``position`` has not had."""
        if covers(self.before, position):
            return self.joined
        return b"".join(part for item, part in zip(self.items, self.parts) if not position.covers(item))


def batch_of(before: Position, items: list[Item]) -> Batch:
    parts, position = [], before
    for item in items:
        position = position.behind(item)
        parts.append(message(item.kind, item.data, str(position)))
    return Batch(before, position, items, parts, b"".join(parts))


def message(kind: str, data: object, position: str) -> bytes:
    """One server-sent event. JSON holds no line break, so the data are one line."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (position.encode(), kind.encode(), msgspec.json.encode(data))


def covers(one: Position, other: Position) -> bool:
    """Whether all that was read at ``other`` was read at ``one``."""
    return all(mine >= theirs for number in range(len(other.read))
               for mine, theirs in zip(one.of(number), other.of(number)))


class Queue:
    """One viewer's."""

    def __init__(self, most_bytes: int = MOST_QUEUED_BYTES) -> None:
        self._batches: deque[Batch] = deque()
        self._bytes = 0
        self._most = most_bytes
        self._news = asyncio.Event()
        self.is_lost = False
        """It was too slow: what it had not had is dropped."""
        self.ended: str | None = None
        """The run's status, once there will be nothing more; empty when the server stops."""

    def put(self, batch: Batch) -> None:
        self._bytes += len(batch.joined)
        if self._bytes > self._most and self._batches:
            self.is_lost = True
            self._batches.clear()
        elif not self.is_lost:
            self._batches.append(batch)
        self._news.set()

    def end(self, status: str) -> None:
        self.ended = status
        self._news.set()

    async def take(self, limit_s: float) -> Batch | None:
        """The next one; None when the time is over, or when there will be none."""
        if not self._batches and not self.is_lost and self.ended is None:
            self._news.clear()
            try:
                async with asyncio.timeout(limit_s):
                    await self._news.wait()
            except TimeoutError:
                return None
        if not self._batches or self.is_lost:
            return None
        batch = self._batches.popleft()
        self._bytes -= len(batch.joined)
        return batch


def further(one: Position, other: Position) -> Position:
    """What was read at either."""
    count = max(len(one.read), len(other.read))
    return Position(tuple((max(one.of(n)[0], other.of(n)[0]), max(one.of(n)[1], other.of(n)[1]))
                          for n in range(count)))
