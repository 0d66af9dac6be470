"""PostgreSQL through psycopg, for more than one controller on one store."""

from __future__ import annotations

import select
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from orchestrator.errors import StoreError
from orchestrator.store import schema
from orchestrator.store.columns import WRITE_POSTGRES
from orchestrator.store.database import BATCH, CHANNEL, Row
from orchestrator.store.faults import from_postgres
from orchestrator.store.sql_connection import SqlConnection

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.pq import TransactionStatus
except ImportError as missing:
    raise StoreError("PostgreSQL needs the psycopg package", code="store_driver",
                     hint="install orch with it: orch-fleet[postgresql]") from missing

LINE = {"connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
        "tcp_user_timeout": 25_000}
"""libpq's, where the URL does not say otherwise: a server whose machine is gone without a word is found out after
25 s. By the kernel's own it would be two hours for a line that listens, and a quarter for one that has asked."""
IDLE_IN_TRANSACTION_MS = 10_000
"""A stopped process must not hold its row locks for ever: others wait to take over what it did."""
LOCK_WAIT_MS = 20_000
"""Longer than that: who waits so long and is told so may ask `Postgres.end_stopped`."""
_STOPPED = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
 AND usename = current_user AND application_name = 'orch' AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
 AND wait_event = 'ClientRead' AND state_change < clock_timestamp() - make_interval(secs => %s)"""


class Postgres(SqlConnection["psycopg.Connection[Row]"]):
    """One connection to one database; the URL's password, if any, is shown nowhere."""

    write = WRITE_POSTGRES
    row_lock = " FOR UPDATE"
    error = psycopg.Error
    explain = from_postgres

    def __init__(self, url: str) -> None:
        super().__init__(_shown(url))
        self.url = url

    def _connect(self) -> psycopg.Connection[Row]:
        return psycopg.connect(
            self.url, autocommit=True, application_name="orch", **line_settings(self.url),
            options=f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS} -c lock_timeout={LOCK_WAIT_MS}"
                    " -c timezone=UTC")

    @property
    def _open(self) -> psycopg.Connection[Row]:
        """After a restart of the server whoever was in the middle has had an error; all others get a new line."""
        connection = super()._open
        if connection.closed or _is_hung_up(connection):
            with self._faults():
                connection.close()
                connection = self._connection = self._connect()
        return connection

    def _settle(self) -> None:
        (present,), = self.select("SELECT to_regclass('alembic_version') IS NOT NULL")
        revision = self.select("SELECT version_num FROM alembic_version") if present else []
        if not revision or not schema.check_revision(str(revision[0][0]), self.where):
            from orchestrator.store.migrate import upgrade

            try:
                upgrade(self.alchemy_url)
            except Exception as error:
                raise from_postgres(getattr(error, "orig", error), self.where) from error

    @property
    def alchemy_url(self) -> str:
        return self.url.replace("postgresql://", "postgresql+psycopg://", 1)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._faults(), self._open.transaction():
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield
        finally:
            self.execute("ROLLBACK")

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[list[Row]]:
        with self._faults(), self._open.cursor(name="orch_stream") as cursor:
            cursor.execute(self._sql(sql), values)
            while rows := cursor.fetchmany(BATCH):
                yield rows

    def notify(self, text: str, channel: str = CHANNEL) -> None:
        self.select("SELECT pg_notify(?, ?)", (channel, text))

    def end_stopped(self) -> int:
        """The server does so itself (`IDLE_IN_TRANSACTION_MS`), but only between statements: not for a process that was
        stopped between the messages of one, as in the middle of many rows."""
        with self._faults():
            return len(self._open.execute(_STOPPED, [IDLE_IN_TRANSACTION_MS / 1000]).fetchall())

    def _sql(self, sql: str) -> str:
        """Psycopg's mark for a value; none of our SQL has a question mark or a per cent sign of its own."""
        return sql.replace("?", "%s")


def line_settings(url: str) -> dict[str, Any]:
    """Arguments for every connection to a store, beside its URL. Raises `StoreError` for what is no such URL."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:  # it repeats a part of the URL, and that may be the password
        raise StoreError("the store's address is no URL of a PostgreSQL database", code="store_url",
                         hint="postgresql://USER@HOST:PORT/DATABASE; what is special in a URL is written as in %40") \
            from None
    return {name: value for name, value in LINE.items() if name not in given}


def _is_hung_up(connection: psycopg.Connection[Row]) -> bool:
    """Whether the server has ended the line while nobody used it: its last words can be read, and soon the end.

    Without this the first statement after a restart fails on each line. It asks the kernel and not the server: 2 µs.
    Nothing else is sent to a line that does not listen, but for a setting that was changed: it is replaced then too.
    """
    line = connection.pgconn
    if line.transaction_status != TransactionStatus.IDLE:
        return False
    readable = select.poll()
    readable.register(line.socket, select.POLLIN)
    return bool(readable.poll(0))


def _shown(url: str) -> str:
    """Host, port and name of the database: what identifies it, without who and with what."""
    address = url.partition("://")[2]
    return "postgresql://" + address.rpartition("@")[2].partition("?")[0]
