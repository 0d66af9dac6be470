"""One connection to a database by way of a DB-API driver: what SQLite and PostgreSQL have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from orchestrator.errors import StoreError
from orchestrator.store.database import CHANNEL, Row


class Cursor(Protocol):
    @property
    def rowcount(self) -> int: ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Any: ...

    def fetchall(self) -> list[Row]: ...

    def close(self) -> None: ...


class Driver(Protocol):
    """What is used of a driver's connection: the two drivers differ in everything else."""

    def execute(self, sql: str, values: Sequence[Any], /) -> Cursor: ...

    def cursor(self) -> Cursor: ...

    def close(self) -> None: ...


DriverT = TypeVar("DriverT", bound=Driver)


class SqlConnection(ABC, Generic[DriverT]):
    """`database.Database` but for connecting, schema and transactions. Every fault of the driver is a `StoreError`."""

    error: ClassVar[type[Exception]]
    """What the driver raises."""
    explain: ClassVar[Callable[[Exception, str], StoreError]]
    """(the driver's error, where) -> the fault for a person."""

    def __init__(self, where: str) -> None:
        self.where = where
        self._connection: DriverT | None = None

    def open(self) -> None:
        with self._faults():
            self._connection = self._connect()
        try:
            self._settle()
        except BaseException:
            self.close()
            raise

    @abstractmethod
    def _connect(self) -> DriverT: ...

    @abstractmethod
    def _settle(self) -> None:
        """Make or migrate the schema where needed; raises `StoreError` for one that is not ours."""

    def _sql(self, sql: str) -> str:
        """``sql`` with the driver's own mark for a value."""
        return sql

    @property
    def _open(self) -> DriverT:
        if self._connection is None:
            raise StoreError(f"the store is not open: {self.where}", code="store_closed")
        return self._connection

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except self.error as error:
            raise type(self).explain(error, self.where) from error

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        with self._faults():
            return self._open.execute(self._sql(sql), values).rowcount

    def insert(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._faults(), closing(self._open.cursor()) as cursor:
            cursor.executemany(self._sql(sql), rows)

    def select(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        with self._faults():
            return self._open.execute(self._sql(sql), values).fetchall()

    def notify(self, text: str, channel: str = CHANNEL) -> None:
        """Nothing, where others see a change by themselves."""

    def end_stopped(self) -> int:
        """None, where nobody waits for ever."""
        return 0

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
