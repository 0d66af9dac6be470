"""What happened in the server's store, written down by the database itself: every state, every batch of events."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from msgspec import Struct

TRIGGERS = """
CREATE TABLE chaos_states(id INTEGER PRIMARY KEY, job TEXT, attempt INTEGER, state TEXT, next_seq INTEGER);
CREATE TABLE chaos_events(id INTEGER PRIMARY KEY, job TEXT, attempt INTEGER, seq INTEGER, count INTEGER,
                          current INTEGER, how TEXT);
CREATE TRIGGER chaos_posted AFTER INSERT ON mailbox_jobs BEGIN
    INSERT INTO chaos_states(job, attempt, state, next_seq) VALUES (NEW.id, NEW.attempt, NEW.state, NEW.next_seq);
END;
CREATE TRIGGER chaos_changed AFTER UPDATE ON mailbox_jobs
WHEN OLD.state <> NEW.state OR OLD.attempt <> NEW.attempt OR OLD.next_seq <> NEW.next_seq BEGIN
    INSERT INTO chaos_states(job, attempt, state, next_seq) VALUES (NEW.id, NEW.attempt, NEW.state, NEW.next_seq);
END;
CREATE TRIGGER chaos_came AFTER INSERT ON mailbox_events BEGIN
    INSERT INTO chaos_events(job, attempt, seq, count, current, how) VALUES (NEW.job_id, NEW.attempt, NEW.seq,
        NEW.count, (SELECT attempt FROM mailbox_jobs WHERE id = NEW.job_id), 'came');
END;
CREATE TRIGGER chaos_went AFTER DELETE ON mailbox_events BEGIN
    INSERT INTO chaos_events(job, attempt, seq, count, current, how) VALUES (OLD.job_id, OLD.attempt, OLD.seq,
        OLD.count, NULL, 'went');
END;
CREATE TRIGGER chaos_altered AFTER UPDATE ON mailbox_events BEGIN
    INSERT INTO chaos_events(job, attempt, seq, count, current, how) VALUES (OLD.job_id, OLD.attempt, OLD.seq,
        OLD.count, NULL, 'altered');
END;
"""


class Moved(Struct, frozen=True):
    """A job's row after a change that matters."""

    job: str
    attempt: int
    state: str
    next_seq: int


class Batch(Struct, frozen=True):
    """Stored events. ``current``: the job's attempt at that moment. ``how``: came, went, altered."""

    job: str
    attempt: int
    seq: int
    count: int
    current: int | None
    how: str


class Recorder:
    """Reads on a connection of its own; `install` once, while nothing is in the mailbox."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def install(self) -> None:
        with self._connected() as database:
            database.executescript(TRIGGERS)

    def moves(self) -> list[Moved]:
        return [Moved(*row) for row in self._rows("SELECT job, attempt, state, next_seq FROM chaos_states ORDER BY id")]

    def batches(self) -> list[Batch]:
        return [Batch(*row) for row in self._rows(
            "SELECT job, attempt, seq, count, current, how FROM chaos_events ORDER BY id")]

    def copy_to(self, path: Path) -> None:
        """A backup as of now."""
        with self._connected() as database, sqlite3.connect(path) as copy:
            database.backup(copy)

    def _rows(self, sql: str) -> list[Any]:
        database = self._connected()
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def _connected(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=30)
