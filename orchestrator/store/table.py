"""Rows of one table as records, over the store's own connection: what the hot path needs of SQL, and no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

from msgspec import Struct

from orchestrator.store.columns import NUMBERED, TABLES, quoted, read_row
from orchestrator.store.database import Database

RecordT = TypeVar("RecordT", bound=Struct)


class Table(Generic[RecordT]):
    """``where`` is SQL with ``?`` for each of the values that follow it; moments and texts may be among them."""

    def __init__(self, database: Database, name: str, record: type[RecordT]) -> None:
        self._database = database
        self._name = name
        self._record = record
        kinds = {"id": "int", **TABLES[name]} if name in NUMBERED else TABLES[name]
        self._kinds = kinds
        self._columns = {field: kinds[field] for field in record.__struct_fields__ if field in kinds}
        self._select = f"SELECT {quoted(self._columns)} FROM {name} "

    def find(self, where: str, *values: Any, lock: bool = False) -> RecordT | None:
        """The first row there is. ``lock``: others are kept from it until the transaction ends."""
        found = self.all(f"{where} LIMIT 1", *values, lock=lock)
        return found[0] if found else None

    def all(self, where: str, *values: Any, lock: bool = False) -> list[RecordT]:
        sql = f"{self._select}WHERE {where}{self._database.row_lock if lock else ''}"
        return [self._record(**read_row(self._columns, row)) for row in self._database.select(sql, self._plain(values))]

    def value(self, column: str, where: str, *values: Any) -> Any:
        """One column of the first row; None where there is no row."""
        rows = self._database.select(f'SELECT "{column}" FROM {self._name} WHERE {where}', self._plain(values))
        return read_row({column: self._kinds[column]}, rows[0])[column] if rows else None

    def count(self, where: str, *values: Any) -> int:
        return int(self._database.select(f"SELECT count(*) FROM {self._name} WHERE {where}", self._plain(values))[0][0])

    def insert(self, *rows: Mapping[str, Any]) -> None:
        """Insert rows that all have the same columns."""
        write, names = self._database.write, tuple(rows[0])
        marks = ", ".join("?" * len(names))
        self._database.insert(
            f"INSERT INTO {self._name} ({quoted(names)}) VALUES ({marks})",
            [tuple(write[self._kinds[name]](row[name]) for name in names) for row in rows])

    def change(self, changes: Mapping[str, Any], where: str, *values: Any) -> int:
        """Set columns of all rows that match; returns how many there were."""
        write = self._database.write
        settings = ", ".join(f'"{name}" = ?' for name in changes)
        written = [write[self._kinds[name]](value) for name, value in changes.items()]
        return self._database.execute(
            f"UPDATE {self._name} SET {settings} WHERE {where}", (*written, *self._plain(values)))

    def delete(self, where: str, *values: Any) -> int:
        return self._database.execute(f"DELETE FROM {self._name} WHERE {where}", self._plain(values))

    def _plain(self, values: Iterable[Any]) -> tuple[Any, ...]:
        write = self._database.write
        return tuple(write["time"](value) if isinstance(value, datetime)
                     else write["text"](value) if isinstance(value, str) else value for value in values)


def marks(values: Iterable[Any]) -> str:
    """``?, ?, ?`` for ``IN (…)``."""
    return ", ".join("?" for _ in values)
