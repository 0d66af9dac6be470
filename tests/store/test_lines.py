"""Lines to PostgreSQL that end while nobody uses them, and those that are gone without a word."""

from __future__ import annotations

import time

import pytest

from orchestrator.errors import StoreError
from orchestrator.store import postgres
from orchestrator.store.database import Database, database_for
from orchestrator.store.postgres import LINE, Postgres, line_settings

OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
END_OTHERS = OTHERS.replace("*", "pg_terminate_backend(pid)")


def ended(other: Database) -> None:
    """Every line but ``other``; returns when the server has none of them any more."""
    other.select(END_OTHERS)
    deadline = time.monotonic() + 60
    while other.select(OTHERS) != [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_line_that_was_ended_while_idle_is_replaced_before_it_is_used(fresh_postgres_url: str) -> None:
    one, other = database_for(fresh_postgres_url), database_for(fresh_postgres_url)
    for database in (one, other):
        database.open()
    before = one.select("SELECT pg_backend_pid()")
    assert one.select("SELECT pg_backend_pid()") == before
    ended(other)
    assert one.select("SELECT pg_backend_pid()") != before
    ended(other)
    with one.transaction():
        assert one.select("SELECT 1") == [(1,)]
    one.close()
    other.close()


def test_who_is_in_the_middle_is_told(fresh_postgres_url: str) -> None:
    one, other = database_for(fresh_postgres_url), database_for(fresh_postgres_url)
    for database in (one, other):
        database.open()
    with pytest.raises(StoreError), one.transaction():
        one.select("SELECT 1")
        ended(other)
        one.select("SELECT 1")
    assert one.select("SELECT 1") == [(1,)]
    one.close()
    other.close()


@pytest.mark.parametrize(("query", "expected"), [
    ("", LINE),
    ("?connect_timeout=3&sslmode=require", {**LINE, "connect_timeout": None}),
    ("?keepalives_idle=60&tcp_user_timeout=0", {**LINE, "keepalives_idle": None, "tcp_user_timeout": None}),
], ids=["none given", "one given", "others given"])
def test_what_the_url_says_holds(query: str, expected: dict[str, int | None]) -> None:
    found = line_settings(f"postgresql://orch@db.example.com/orch{query}")
    assert found == {name: value for name, value in expected.items() if value is not None}


@pytest.mark.parametrize("url", ["postgresql+other://ann:swordfish@h/db", "postgresql://ann:sword%fish@h/db",
                                 "postgresql://ann:swordfish@h:port/db"])
def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        Postgres(url).open()
    told = f"{caught.value} {caught.value.hint} {caught.value.__cause__}"
    assert caught.value.code.startswith("store") and "sword" not in told


def test_a_line_that_was_left_in_the_middle_of_a_statement_is_ended(
        fresh_postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "IDLE_IN_TRANSACTION_MS", 200)
    stopped, other = database_for(fresh_postgres_url), database_for(fresh_postgres_url)
    for database in (stopped, other):
        database.open()
    assert other.end_stopped() == 0
    line = stopped._open.pgconn  # what a process says that is stopped while it stores many rows
    line.exec_(b"BEGIN")
    line.exec_(b"LOCK TABLE runs")
    line.enter_pipeline_mode()
    line.send_query_params(b"SELECT 1", None)
    line.send_flush_request()
    line.flush()
    deadline = time.monotonic() + 60
    while not other.end_stopped():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert other.select("SELECT count(*) FROM runs") == [(0,)] and other.end_stopped() == 0
