"""The same suite on both databases: every test that asks for `store` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.store import RunRecord, Store
from tests.store.results import RUN

Open = Callable[[], Store]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store in which nothing is."""
    if request.param == "sqlite":
        return str(tmp_path / "state" / "orch.db")
    found: str = request.getfixturevalue("postgres_store_url")
    return found


@pytest.fixture
def open_store(url: str) -> Iterator[Open]:
    """Opens the database once more with each call: as another process would."""
    opened: list[Store] = []

    def build() -> Store:
        store = Store(url)
        store.open()
        opened.append(store)
        return store

    yield build
    for store in opened:
        store._results.clear()
        store._events.clear()
        store.close()


@pytest.fixture
def store(open_store: Open) -> Store:
    """A store with a run that has been started."""
    store = open_store()
    store.start_run(RunRecord(id=RUN, playbooks=["site.yml"], hosts=["web1", "web2"]))
    return store
