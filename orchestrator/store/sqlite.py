"""SQLite through the standard library: WAL, so that readers never wait; every commit reaches the disk.

``synchronous=FULL``: once a result is stored the host is told to forget its receipt, so a commit that a power cut took
back would run a task twice. See docs/store.md for what it costs.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator.errors import StoreError
from orchestrator.store import schema
from orchestrator.store.columns import WRITE_SQLITE
from orchestrator.store.database import BATCH, Row
from orchestrator.store.faults import from_sqlite
from orchestrator.store.sql_connection import SqlConnection
from orchestrator.store.state import ensure

BUSY_TIMEOUT_S = 30.0
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=1000")


class Sqlite(SqlConnection[sqlite3.Connection]):
    """One file. It and its folder are made for their owner alone: results may tell much about the hosts."""

    write = WRITE_SQLITE
    row_lock = ""  # a transaction has the whole database
    error = sqlite3.Error
    explain = from_sqlite

    def __init__(self, path: str, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.path = str(Path(path).expanduser().absolute())
        super().__init__(self.path)
        self._busy_timeout_s = busy_timeout_s

    def _connect(self) -> sqlite3.Connection:
        self._make_file()
        return sqlite3.connect(
            self.path, timeout=self._busy_timeout_s, isolation_level=None, check_same_thread=False)

    def _make_file(self) -> None:
        """SQLite gives the files beside it (-wal, -shm) the mode of this one.

        A file that is there is not opened: to close it again would take from this process the locks of all its other
        connections (POSIX), and the next process to leave would take the write-ahead log away with it.
        """
        try:
            ensure(os.path.dirname(self.path))
            if not os.path.exists(self.path):
                self._create_file()
            elif not os.access(self.path, os.R_OK | os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise StoreError(
                f"the store cannot be opened: {error.strerror}: {self.path}", code="store_unopened",
                hint="check the owner and permissions of the file and its folder, or name another with --store",
            ) from error

    def _create_file(self) -> None:
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            pass  # another process was faster

    def _settle(self) -> None:
        with self._faults():
            for pragma in PRAGMAS:
                self._set(pragma)
        revision = self._revision()
        if revision is None:
            self._create()
        elif not schema.check_revision(revision, self.where):
            self._migrate()

    def _set(self, pragma: str) -> None:
        """Where two open a new file at once, SQLite refuses the change to WAL without waiting: so we wait."""
        deadline = time.monotonic() + self._busy_timeout_s
        while True:
            try:
                self._open.execute(f"PRAGMA {pragma}")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                    raise
            time.sleep(0.01)

    def _revision(self) -> str | None:
        """The schema's version; None for an empty database."""
        tables = {str(row[0]) for row in self.select("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return None
        rows = self.select("SELECT version_num FROM alembic_version") if "alembic_version" in tables else []
        if len(rows) != 1:
            raise StoreError(f"the database holds other tables than orch's: {self.where}", code="store_schema",
                             hint="name another file with --store")
        return str(rows[0][0])

    def _create(self) -> None:
        with self.transaction():
            if self._revision() is None:  # another process may have been faster
                for statement in schema.create_script().split(";\n"):
                    if statement.strip():
                        self.execute(statement)

    def _migrate(self) -> None:
        from orchestrator.store.migrate import upgrade

        upgrade(self.alchemy_url)

    @property
    def alchemy_url(self) -> str:
        return f"sqlite:///{self.path}"

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self.execute("BEGIN")
        try:
            yield
        finally:
            self.execute("ROLLBACK")

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[list[Row]]:
        with self._faults():
            cursor = self._open.execute(sql, values)
            while rows := cursor.fetchmany(BATCH):
                yield rows
