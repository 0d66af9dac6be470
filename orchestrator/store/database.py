"""What the store needs of a database: four small acts, the same over SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from orchestrator.errors import StoreError
from orchestrator.store.columns import Codec

Row = tuple[Any, ...]
BATCH = 1000
"""Rows at a time, of a query that is streamed."""
CHANNEL = "orch_mailbox"
"""PostgreSQL's channel of notices between processes: the id of a job that has changed."""
RUNS_CHANNEL = "orch_runs"
"""The same for runs of the server: the id of a run that was queued, or of which there is something new."""


class Database(Protocol):
    """One connection, used from one thread at a time. SQL is written with ``?`` for values."""

    where: str
    """The database for a person: a path or an address, never with a password."""
    write: Codec
    row_lock: str
    """What a SELECT ends with to keep others from its rows until the transaction ends."""

    @property
    def alchemy_url(self) -> str:
        """For migrations. It may hold a password."""

    def open(self) -> None:
        """Connect; make or migrate the schema. Raises `StoreError`."""

    def transaction(self) -> AbstractContextManager[None]:
        """Commits at the end, or takes everything back; raises `StoreError`. A writer waits for the one before it."""

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement; returns how many rows it touched."""

    def insert(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for many rows."""

    def select(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Rows of a query, outside or inside a transaction."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Everything that is read within is of one moment; nothing is written. No writer waits for it."""

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[list[Row]]:
        """Rows of a query in batches, within a `snapshot`: no more than one batch is in memory."""

    def notify(self, text: str, channel: str = CHANNEL) -> None:
        """Wake whoever listens, once the transaction is committed. Nothing on SQLite."""

    def end_stopped(self) -> int:
        """End the lines that stopped processes left in the middle of a transaction, with its locks; how many. 0 on
        SQLite, where whoever waits gives up in time."""

    def close(self) -> None: ...


def database_for(url: str) -> Database:
    """The database at a URL (``sqlite:///path``, ``postgresql://…``) or a path. Connects to nothing yet."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        from orchestrator.store.sqlite import Sqlite

        return Sqlite(url)
    kind = scheme.partition("+")[0]
    if kind == "sqlite":
        from orchestrator.store.sqlite import Sqlite

        return Sqlite(rest.removeprefix("/"))
    if kind in ("postgresql", "postgres"):
        from orchestrator.store.postgres import Postgres

        return Postgres(f"postgresql://{rest}")
    raise StoreError(f"no store of the kind {scheme!r}", code="store_url",
                     hint="a path, sqlite:///PATH or postgresql://USER@HOST/NAME")
