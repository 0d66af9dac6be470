"""Books on both databases, with a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.security.master import MasterKey
from orchestrator.store.books import Books
from orchestrator.store.database import database_for

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    url = str(tmp_path / "orch.db") if request.param == "sqlite" else request.getfixturevalue("postgres_store_url")
    database = database_for(url)
    database.open()
    yield Books(database, MasterKey(b"k" * 32), lambda: NOW)
    database.close()
