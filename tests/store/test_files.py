"""The store as files, and what goes wrong with files: permissions, full disks, damage, locks."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
from pathlib import Path

import pytest

from orchestrator.errors import StoreError
from orchestrator.store import RunRecord, Store
from orchestrator.store.database import database_for
from orchestrator.store.sqlite import Sqlite
from orchestrator.store.state import ensure, state_dir
from tests.store.results import RUN, result

CENSORED = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"


def started(path: Path) -> Store:
    store = Store(str(path))
    store.open()
    store.start_run(RunRecord(id=RUN))
    return store


def test_the_store_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = started(tmp_path / "new" / "orch.db")
    store.record(result())
    store.flush()
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
    assert modes == {"orch.db": 0o600, "orch.db-wal": 0o600, "orch.db-shm": 0o600}
    store.close()


def test_the_files_hold_nothing_that_was_censored(tmp_path: Path) -> None:
    """What no_log hides never gets to the store; this reads the raw bytes to see that nothing else brings it there."""
    store = started(tmp_path / "orch.db")
    store.record(result(no_log=True, values={"censored": CENSORED, "changed": True}))
    store.record(result(values={"stdout": "visible-4711"}))
    store.flush()
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"visible-4711" in raw
    assert b"s3cret-0815" not in raw
    assert CENSORED.encode() in raw
    store.close()


def test_commits_reach_the_disk_and_readers_do_not_wait(tmp_path: Path) -> None:
    store = started(tmp_path / "orch.db")
    names = ("journal_mode", "synchronous", "foreign_keys")
    pragmas = {name: store._database.select(f"PRAGMA {name}")[0][0] for name in names}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    store.close()


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "orch.db"
    path.write_bytes(b"these are no tables, " * 300)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a store") as caught:
        Store(str(path)).open()
    assert caught.value.code == "store_corrupt"
    assert path.read_bytes() == before


def test_somebody_elses_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(StoreError, match="other tables"):
        Store(str(path)).open()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]


def test_a_damaged_store_is_told(tmp_path: Path) -> None:
    path = tmp_path / "orch.db"
    store = started(path)
    for _ in range(500):
        store.record(result(values={"stdout": "x" * 500}))
    store.close()
    data = bytearray(path.read_bytes())
    data[4096:len(data) - 4096] = os.urandom(len(data) - 8192)
    path.write_bytes(data)
    with pytest.raises(StoreError) as caught:
        damaged = Store(str(path))
        damaged.open()
        damaged.results(RUN)
    assert caught.value.code == "store_corrupt"


def test_a_store_that_another_process_keeps_locked_is_told(tmp_path: Path) -> None:
    path = tmp_path / "orch.db"
    started(path).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    store = Store(str(path))
    store._database = Sqlite(str(path), busy_timeout_s=0.05)
    store.open()
    with pytest.raises(StoreError, match="locked by another process") as caught:
        store.request_cancel(RUN)
    assert caught.value.code == "store_locked"
    assert str(path) in str(caught.value.hint)
    holder.close()
    store.close()


def test_a_full_disk_is_told_and_nothing_is_half_stored(tmp_path: Path) -> None:
    store = started(tmp_path / "orch.db")
    store._database.execute("PRAGMA max_page_count = 60")  # what a full disk says, without needing one
    store.record(result(values={"stdout": "x" * 1_000_000}))
    with pytest.raises(StoreError, match="disk of the store is full") as caught:
        store.flush()
    assert caught.value.code == "store_disk_full"
    assert store.results(RUN) == []
    store._database.execute("PRAGMA max_page_count = 100000")
    store.flush()
    assert len(store.results(RUN)) == 1
    store.close()


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/usr/bin/setpriv").exists(), reason="root, and no setpriv")
@pytest.mark.parametrize("case", ["file", "folder"])
def test_a_store_that_may_not_be_written_is_told(tmp_path: Path, case: str) -> None:
    """In a process without root's powers: nothing is read-only to root."""
    import sys

    path = tmp_path / "state" / "orch.db"
    started(path).close()
    os.chmod(path, 0o400)
    os.chmod(path.parent, 0o500 if case == "folder" else 0o700)
    if case == "folder":
        path.unlink()
    code = ("import sys; from orchestrator.store import Store; from orchestrator.errors import StoreError\n"
            "try: Store(sys.argv[1]).open()\nexcept StoreError as error: print(error.code, '|', error.hint)")
    argv = [sys.executable, "-c", code, str(path)]
    if os.geteuid() == 0:
        argv = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *argv]
    ended = subprocess.run(argv, capture_output=True, text=True)
    assert ended.stdout.startswith("store_unopened | check the owner"), (ended.stdout, ended.stderr)


@pytest.mark.parametrize(("url", "shown"), [
    ("postgresql://me:s3cret@db.example:5433/orch?sslmode=require", "postgresql://db.example:5433/orch"),
    ("postgresql+psycopg://me:p%40ss@db/orch", "postgresql://db/orch"), ("postgres://db/orch", "postgresql://db/orch"),
])
def test_an_address_is_shown_without_user_and_password(url: str, shown: str) -> None:
    assert database_for(url).where == shown


def test_an_unreachable_server_is_told_without_the_password() -> None:
    with pytest.raises(StoreError) as caught:
        Store("postgresql://me:s3cret@127.0.0.1:1/orch").open()
    error = caught.value
    assert "127.0.0.1:1/orch" in error.message
    assert "s3cret" not in f"{error.message} {error.hint} {error.__cause__}"


def test_a_wrong_password_is_told_without_it(postgres_url: str) -> None:
    import re

    wrong = re.sub(r":[^:@/]+@", ":s3cret@", postgres_url)
    with pytest.raises(StoreError) as caught:
        Store(wrong).open()
    assert "s3cret" not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.hint


def test_an_unknown_kind_of_store_is_refused() -> None:
    with pytest.raises(StoreError, match="mysql"):
        Store("mysql://db/orch")


@pytest.mark.parametrize("prefix", ["", "sqlite:///", "sqlite+aiosqlite:///"])
def test_a_path_may_be_written_as_a_url(tmp_path: Path, prefix: str) -> None:
    assert database_for(f"{prefix}{tmp_path}/orch.db").where == f"{tmp_path}/orch.db"


def test_the_state_directory_is_the_nearest_project(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a" / ".orch").mkdir()
    assert state_dir(inner, {}) == str(tmp_path / "a" / ".orch")
    assert state_dir(inner, {"ORCH_STATE_DIR": str(tmp_path / "else")}) == str(tmp_path / "else")
    assert state_dir(tmp_path, {}).endswith("orch")


def test_the_state_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    made = ensure(tmp_path / "x" / "state")
    assert stat.S_IMODE(os.stat(made).st_mode) == 0o700
