"""A run followed live: one reader per run and process, whatever the number of its viewers.

The reader asks the store when there may be news (`orchestrator.agents.changes`), makes the bytes of what is new once,
and puts them into each viewer's queue. A queue is bounded: a viewer that cannot keep up is told to come again with the
position it has reached, and its stream ends. Somebody who comes late reads what it missed from the store by itself,
page by page, and joins where the reader's memory begins.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

from api.operator.conventions import AnyRequest
from api.operator.office import Office
from api.operator.viewers import Batch, Queue, batch_of, covers, further, message
from api.problems import Problem, busy
from orchestrator.agents.changes import Changes
from orchestrator.errors import StoreError
from orchestrator.runs.feed import Position, Reading, read
from orchestrator.store.database import RUNS_CHANNEL

MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
LOG = logging.getLogger("orch.api")
HEARTBEAT_S = 15.0
KNOWN_S = 30.0
"""How often a stream asks whether its viewer would still be let in."""
LOOK_S = 2.0
"""The reader looks this often where nobody tells it."""
PAUSE_S = 0.05
"""Between two reads: what comes meanwhile is one batch."""
MOST_REMEMBERED_BYTES = 2 << 20
MOST_VIEWERS = 2000
RETRY_S = 1.0
OPENING = b"retry: 2000\n\n"
BEAT = b": still here\n\n"
Known = Callable[[], Awaitable[bool]]


class Reader:
    """Reads one run for all who follow it in this process."""

    def __init__(self, hub: Hub, run_id: str, position: Position) -> None:
        self._hub = hub
        self._run_id = run_id
        self._position = position
        self._remembered: deque[Batch] = deque()
        self._bytes = 0
        self.queues: set[Queue] = set()
        self.followers = 0
        """Streams that have joined, or will."""
        self.task = asyncio.create_task(self._read_on(), name=f"reader of {run_id}")

    def reaches(self, position: Position) -> bool:
        """Whether a viewer at ``position`` misses nothing when it joins now."""
        begins = self._remembered[0].before if self._remembered else self._position
        return covers(position, begins)

    def join(self, queue: Queue) -> list[Batch]:
        """``queue`` gets what comes from now on; returns what came before and is remembered."""
        self.queues.add(queue)
        return list(self._remembered)

    async def _read_on(self) -> None:
        try:
            self._end(await self._until_over())
        except Exception as error:
            LOG.error("following run %s", self._run_id, exc_info=error)
            self._end("")

    def _end(self, status: str) -> None:
        for queue in self.queues:
            queue.end(status)

    async def _until_over(self) -> str:
        changes = await self._hub.changes()
        while True:
            mark, began = changes.mark(), time.monotonic()
            try:
                reading = await self._hub.read(self._run_id, self._position)
            except (StoreError, Problem):
                await asyncio.sleep(RETRY_S)
                continue
            if reading.items:
                self._share(batch_of(self._position, reading.items))
                await asyncio.sleep(max(0.0, PAUSE_S - (time.monotonic() - began)))
            elif reading.is_over:
                return reading.status
            else:
                await changes.wait(mark, LOOK_S)

    def _share(self, batch: Batch) -> None:
        self._position = batch.after
        self._remembered.append(batch)
        self._bytes += len(batch.joined)
        while self._bytes > MOST_REMEMBERED_BYTES and len(self._remembered) > 1:
            self._bytes -= len(self._remembered.popleft().joined)
        for queue in self.queues:
            queue.put(batch)


class Hub:
    """All streams of this process."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._readers: dict[str, Reader] = {}
        self._changes: Changes | None = None
        self._queues: set[Queue] = set()
        self.is_stopping = False

    async def read(self, run_id: str, position: Position) -> Reading:
        return await self._office.call(lambda control: read(control.books.database, run_id, position))

    async def changes(self) -> Changes:
        if self._changes is None:
            database = await self._office.call(lambda control: control.books.database)
            self._changes = self._changes or Changes(database, RUNS_CHANNEL)
        return self._changes

    def stop(self) -> None:
        """End every stream: clients come again, to whoever serves then."""
        self.is_stopping = True
        for queue in list(self._queues):
            queue.end("")

    def viewer(self, run_id: str, position: Position, is_known: Known | None = None) -> AsyncIterator[bytes]:
        """The bytes of one viewer's stream. 503 while too many look on."""
        if len(self._queues) >= MOST_VIEWERS or self.is_stopping:
            raise busy("too_many_viewers", "too many follow runs at the moment")
        return self._stream(run_id, position, is_known)

    async def _stream(self, run_id: str, position: Position, is_known: Known | None) -> AsyncIterator[bytes]:
        queue = Queue()
        self._queues.add(queue)
        reader = self._reader(run_id, position)
        reader.followers += 1
        try:
            yield OPENING
            while not reader.reaches(position):
                reading = await self._caught_up(run_id, position)
                if not reading.items:
                    break
                yield batch_of(position, reading.items).joined
                position = reading.position
            for batch in reader.join(queue):
                if part := batch.behind(position):
                    yield part
                position = further(position, batch.after)
            if reader.task.done():
                reading = await self._caught_up(run_id, position)
                queue.end(reading.status if reading.is_over else "")
            async for part in _live(queue, position, is_known):
                yield part
        finally:
            self._queues.discard(queue)
            self._leave(run_id, reader, queue)

    async def _caught_up(self, run_id: str, position: Position) -> Reading:
        while True:
            try:
                return await self.read(run_id, position)
            except (StoreError, Problem):
                if self.is_stopping:
                    raise
                await asyncio.sleep(RETRY_S)

    def _reader(self, run_id: str, position: Position) -> Reader:
        reader = self._readers.get(run_id)
        if reader is None or reader.task.done():
            reader = self._readers[run_id] = Reader(self, run_id, position)
        return reader

    def _leave(self, run_id: str, reader: Reader, queue: Queue) -> None:
        reader.queues.discard(queue)
        reader.followers -= 1
        if not reader.followers:
            reader.task.cancel()
            if self._readers.get(run_id) is reader:
                del self._readers[run_id]


async def _live(queue: Queue, position: Position, is_known: Known | None) -> AsyncIterator[bytes]:
    known_at = time.monotonic()
    while True:
        batch = await queue.take(HEARTBEAT_S)
        if batch is not None:
            if part := batch.behind(position):
                yield part
            position = further(position, batch.after)
        elif queue.is_lost:
            yield message("reload", {"after": str(position)}, str(position))
            return
        elif queue.ended is not None:
            if queue.ended:
                yield message("end", {"status": queue.ended}, str(position))
            return
        else:
            yield BEAT
        if is_known is not None and time.monotonic() - known_at >= KNOWN_S:
            try:
                if not await is_known():
                    return
            except (StoreError, Problem):
                continue  # the store is away, and has no news for anybody; it is asked with the next heartbeat
            known_at = time.monotonic()


def hub_of(request: AnyRequest) -> Hub:
    """The one of this application; made when it is first asked for."""
    state = request.app.state
    hub: Hub | None = state.get("run_hub")
    if hub is None:
        hub = state["run_hub"] = Hub(state["office"])
        state.setdefault("wakers", []).append(hub.stop)
    return hub


def aware(moment: datetime | None) -> datetime | None:
    """A moment of a query; without a time zone it is UTC."""
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
