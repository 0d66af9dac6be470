"""Waiting until another process has written to the store, without asking it anything but "has somebody?".

SQLite counts the commits of other connections (``PRAGMA data_version``): looking takes 2 µs, and is done every 20 ms
while somebody waits. PostgreSQL tells by itself (LISTEN). One `Changes` belongs to one event loop and serves any
number of waiters with one look.
"""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Protocol

from orchestrator.store.database import CHANNEL, Database
from orchestrator.store.sqlite import Sqlite

if TYPE_CHECKING:
    import psycopg

    from orchestrator.store.postgres import Postgres

LOOK_EVERY_S = 0.02
RECONNECT_S = 1.0


class Source(Protocol):
    remembers: bool
    """Whether it knows later what was written while nobody looked."""

    async def next(self) -> None:
        """Returns when something was written; may return when nothing was."""
        ...

    async def close(self) -> None: ...


class Changes:
    """``database`` is used to know where the store is; a connection of its own looks.

    ``channel``: PostgreSQL's, whose notices count.
    """

    def __init__(self, database: Database, channel: str = CHANNEL) -> None:
        self._source: Source = _source(database, channel)
        self._mark = 0
        self._waiters: set[asyncio.Future[None]] = set()
        self._task: asyncio.Task[None] | None = None

    def mark(self) -> int:
        """The present moment: take it before looking at the store, wait from it after."""
        return self._mark

    async def wait(self, mark: int, timeout_s: float) -> int:
        """Until something was written after ``mark``, or the time is over; returns the mark of now."""
        if self._mark == mark and timeout_s > 0:
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._look())
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                async with asyncio.timeout(timeout_s):
                    await waiter
            except TimeoutError:
                pass
            finally:
                self._waiters.discard(waiter)
        return self._mark

    def touch(self) -> None:
        """This process has written: whoever waits in it wakes at once."""
        self._mark += 1
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._source.close()

    async def _look(self) -> None:
        while self._waiters or not self._source.remembers:
            await self._source.next()
            self.touch()


def _source(database: Database, channel: str) -> Source:
    if isinstance(database, Sqlite):
        return _SqliteSource(database)
    from orchestrator.store.postgres import Postgres

    assert isinstance(database, Postgres)
    return _PostgresSource(database, channel)


class _SqliteSource:
    remembers = True

    def __init__(self, database: Sqlite) -> None:
        self._path = database.path
        self._connection: sqlite3.Connection | None = None
        self._version: int | None = None

    async def next(self) -> None:
        while (found := self._look()) == self._version:
            await asyncio.sleep(LOOK_EVERY_S)
        self._version = found

    def _look(self) -> int | None:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, isolation_level=None)
        try:
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.OperationalError:  # locked for a moment, while another process begins or ends
            return self._version

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _PostgresSource:
    remembers = False

    def __init__(self, database: Postgres, channel: str) -> None:
        from orchestrator.store.postgres import line_settings

        self._url = database.url
        self._settings = line_settings(database.url)
        self._channel = channel
        self._connection: psycopg.AsyncConnection[tuple[object, ...]] | None = None

    async def next(self) -> None:
        import psycopg

        try:
            if self._connection is None:
                self._connection = await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, application_name="orch changes", **self._settings)
                await self._connection.execute(f"LISTEN {self._channel}")
                return  # something may have been written before this
            async for _ in self._connection.notifies(stop_after=1):
                return
        except psycopg.Error:  # the server was restarted: whoever waits asks it, and is told what is wrong
            await self.close()
            await asyncio.sleep(RECONNECT_S)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
