"""The audit trail is append-only in the database itself: no fault of a service takes anything out of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.errors import StoreError
from orchestrator.store.audit import Audit
from orchestrator.store.database import Database, database_for

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def database(url: str) -> Database:
    opened = database_for(url)
    opened.open()
    for days in (100, 31, 29, 0):
        Audit(opened, lambda at=NOW - timedelta(days=days): at).write("ann", f"old.{days}", "")  # type: ignore[misc]
    return opened


def left(database: Database) -> list[str]:
    return [row[0] for row in database.select('SELECT "action" FROM audit ORDER BY "id"')]


@pytest.mark.parametrize("statement", [
    "UPDATE audit SET actor = 'mallory'", "UPDATE audit SET detail = '{}' WHERE action = 'old.100'",
    "DELETE FROM audit", "DELETE FROM audit WHERE action = 'old.29'", "DELETE FROM audit WHERE action = 'old.0'"])
def test_what_was_written_stays(database: Database, statement: str) -> None:
    with pytest.raises(StoreError):
        with database.transaction():
            database.execute(statement)
    assert left(database) == ["old.100", "old.31", "old.29", "old.0"]
    database.close()


def test_what_is_old_may_go_and_that_is_written_down(database: Database) -> None:
    assert Audit(database, lambda: NOW).forget(NOW - timedelta(days=30)) == 2
    assert left(database) == ["old.29", "old.0", "audit.forget"]
    database.close()
