"""PostgreSQL through psycopg, for more than one controller on one store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from orchestrator.errors import StoreError
from orchestrator.store import schema
from orchestrator.store.columns import WRITE_POSTGRES
from orchestrator.store.database import Row
from orchestrator.store.faults import from_postgres

try:
    import psycopg
except ImportError as missing:
    raise StoreError("PostgreSQL needs the psycopg package", code="store_driver",
                     hint="install orch with it: orch-fleet[postgresql]") from missing

CONNECT_TIMEOUT_S = 10
IDLE_IN_TRANSACTION_MS = 60_000
"""A stopped process must not hold its row locks for ever."""


class Postgres:
    """One connection to one database; the URL's password, if any, is shown nowhere."""

    write = WRITE_POSTGRES
    row_lock = " FOR UPDATE"

    def __init__(self, url: str) -> None:
        self._url = url
        self.where = _shown(url)
        self._connection: psycopg.Connection[Row] | None = None

    def open(self) -> None:
        with self._faults():
            self._connection = psycopg.connect(
                self._url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, application_name="orch",
                options=f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS} -c timezone=UTC")
        try:
            self._settle()
        except BaseException:
            self.close()
            raise

    def _settle(self) -> None:
        (present,), = self.select("SELECT to_regclass('alembic_version') IS NOT NULL")
        revision = self.select("SELECT version_num FROM alembic_version") if present else []
        if not revision or not schema.check_revision(str(revision[0][0]), self.where):
            from orchestrator.store.migrate import upgrade

            try:
                upgrade(self._url.replace("postgresql://", "postgresql+psycopg://", 1))
            except Exception as error:
                raise from_postgres(getattr(error, "orig", error), self.where) from error

    @property
    def _open(self) -> psycopg.Connection[Row]:
        if self._connection is None:
            raise StoreError(f"the store is not open: {self.where}", code="store_closed")
        return self._connection

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise from_postgres(error, self.where) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._faults(), self._open.transaction():
            yield

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        with self._faults():
            return self._open.execute(_marked(sql), values).rowcount

    def insert(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._faults(), self._open.cursor() as cursor:
            cursor.executemany(_marked(sql), rows)

    def select(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        with self._faults():
            return self._open.execute(_marked(sql), values).fetchall()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _marked(sql: str) -> str:
    """Psycopg's mark for a value; none of our SQL has a question mark or a per cent sign of its own."""
    return sql.replace("?", "%s")


def _shown(url: str) -> str:
    """Host, port and name of the database: what identifies it, without who and with what."""
    address = url.partition("://")[2]
    return "postgresql://" + address.rpartition("@")[2].partition("?")[0]
