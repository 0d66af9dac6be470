"""A backup is of one moment, and comes back to the last byte on either database; nothing in use is overwritten."""

from __future__ import annotations

import io
import secrets
import stat
import zipfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine

from orchestrator.control.backup import back_up, restore
from orchestrator.errors import OrchError, StoreError, UsageError
from orchestrator.security.master import MasterKey
from orchestrator.security.sealed_stream import PIECE_BYTES, SealedWriter, unsealed
from orchestrator.store import Store
from orchestrator.store.archive import columns_of, tables_in_order, write_archive
from orchestrator.store.columns import TABLES
from orchestrator.store.database import Database, database_for
from orchestrator.store.migrate import config
from orchestrator.store.records import RunRecord
from tests.store.results import AWKWARD_TEXT, FULL, RUN

PASSPHRASE = b"correct horse battery"
Fresh = Callable[[str], str]


@pytest.fixture
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Fresh:
    """Another empty database of a kind with every call."""
    numbers = count()

    def build(kind: str) -> str:
        if kind == "sqlite":
            return str(tmp_path / f"{next(numbers)}.db")
        cluster = request.getfixturevalue("postgres_cluster")
        return cluster.create_database(f"backup_{secrets.token_hex(6)}")

    return build


@pytest.fixture
def state(tmp_path: Path) -> Path:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    MasterKey.load_or_create(state)
    (state / "ca").mkdir()
    (state / "ca" / "key.pem").write_text("a key")
    (state / "run.log").write_text("not kept")
    return state


def filled(url: str) -> Store:
    store = Store(url)
    store.open()
    store.start_run(RunRecord(id=RUN, playbooks=["site.yml"]))
    store.record(FULL)
    store.record_event(RUN, "Notice", {"message": AWKWARD_TEXT["surrogate"]})
    store.finish_run(RUN, "ok", {"web1": {"ok": 1}})
    store._database.insert("INSERT INTO mailbox_blobs (name, part, created, data) VALUES (?, ?, ?, ?)",
                           [("b", 0, store._database.write["time"](FULL.started), b"\0\xff")])
    return store


def rows_of(database: Database) -> dict[str, list[object]]:
    return {table: sorted(map(repr, database.select(f"SELECT {', '.join(quote(columns_of(table)))} FROM {table}")))
            for table in TABLES}


def quote(names: object) -> list[str]:
    return [f'"{name}"' for name in names]  # type: ignore[attr-defined]


def dumped(url: str) -> bytes:
    database = database_for(url)
    database.open()
    out = io.BytesIO()
    write_archive(database, Path("/nonexistent"), out, with_keys=False)
    database.close()
    with zipfile.ZipFile(out) as archive:
        return b"".join(archive.read(f"tables/{table}.jsonl") for table in tables_in_order())


@pytest.mark.parametrize("to", ["sqlite", "postgresql"])
@pytest.mark.parametrize("source", ["sqlite", "postgresql"])
def test_everything_comes_back_on_either_database(fresh: Fresh, state: Path, tmp_path: Path, source: str,
                                                  to: str) -> None:
    first, second = fresh(source), fresh(to)
    filled(first).close()
    back_up(state, first, tmp_path / "b.zip")
    manifest = restore(tmp_path / "b.zip", tmp_path / "new", second)
    assert dumped(first) == dumped(second)
    assert manifest.tables["task_results"].rows == 1
    assert (tmp_path / "new" / "master.key").read_bytes() == (state / "master.key").read_bytes()
    assert (tmp_path / "new" / "ca" / "key.pem").read_text() == "a key"
    assert not (tmp_path / "new" / "run.log").exists()
    store = Store(second)
    store.open()
    assert store.results(RUN) == [FULL]
    store.resume_run(RUN)
    store.record_event(RUN, "Notice", {})  # numbers go on behind those that were restored
    store.flush()
    assert len(store.events(RUN)) == 2
    store.close()


def test_a_run_that_goes_on_is_cut_at_one_moment(fresh: Fresh, state: Path, tmp_path: Path) -> None:
    url = fresh("sqlite")
    store = filled(url)
    seen: list[str] = []

    def meanwhile(table: str, rows: int) -> None:
        if not seen:
            store.start_run(RunRecord(id="later"))
        seen.append(table)

    back_up(state, url, tmp_path / "b.zip", progress=meanwhile)
    restore(tmp_path / "b.zip", tmp_path / "new", None)
    restored = Store(str(tmp_path / "new" / "orch.db"))
    restored.open()
    assert [run.id for run in restored.list_runs()] == [RUN]
    assert {run.id for run in store.list_runs()} == {RUN, "later"}
    restored.close()
    store.close()


def test_a_sealed_backup_opens_with_its_passphrase_alone(fresh: Fresh, state: Path, tmp_path: Path) -> None:
    url = fresh("sqlite")
    filled(url).close()
    target = tmp_path / "b.sealed"
    back_up(state, url, target, passphrase=PASSPHRASE)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert (state / "master.key").read_bytes().strip() not in target.read_bytes()
    for passphrase, error in ((None, "passphrase"), (b"another one, wrong", "another passphrase")):
        with pytest.raises(OrchError, match=error):
            restore(target, tmp_path / "new", None, passphrase=passphrase)
    assert restore(target, tmp_path / "new", None, passphrase=PASSPHRASE).tables["runs"].rows == 1


def test_a_place_in_use_is_left_alone(fresh: Fresh, state: Path, tmp_path: Path) -> None:
    url = fresh("sqlite")
    filled(url).close()
    back_up(state, url, tmp_path / "b.zip")
    with pytest.raises(UsageError, match="in use"):
        restore(tmp_path / "b.zip", tmp_path / "new", url)
    other = tmp_path / "other"
    MasterKey.load_or_create(other)
    with pytest.raises(UsageError, match="another master.key"):
        restore(tmp_path / "b.zip", other, None)
    assert not (other / "orch.db").exists()


DAMAGES = {
    "a bit of a row": lambda data: data.replace(b"site.yml", b"sito.yml", 1),
    "cut off": lambda data: data[:-100],
    "empty": lambda data: b"",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_backup_restores_nothing(fresh: Fresh, state: Path, tmp_path: Path,
                                           damage: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    # So that the damage is where it is meant to be.
    monkeypatch.setattr("orchestrator.store.archive.COMPRESSION", zipfile.ZIP_STORED)
    url = fresh("sqlite")
    filled(url).close()
    target = tmp_path / "b.zip"
    back_up(state, url, target)
    target.write_bytes(damage(target.read_bytes()))
    with pytest.raises(StoreError):
        restore(target, tmp_path / "new", None)
    assert not (tmp_path / "new" / "orch.db").exists()


def test_a_name_that_leads_elsewhere_is_refused(fresh: Fresh, state: Path, tmp_path: Path) -> None:
    url = fresh("sqlite")
    filled(url).close()
    back_up(state, url, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive, zipfile.ZipFile(tmp_path / "evil.zip", "w") as evil:
        for name in archive.namelist():
            evil.writestr(name.replace("files/ca/", "files/ca/../../"),
                          archive.read(name).replace(b'"ca/key.pem"', b'"ca/../../key.pem"'))
    with pytest.raises(StoreError, match="has a file"):
        restore(tmp_path / "evil.zip", tmp_path / "new", None)
    assert not (tmp_path / "key.pem").exists()


def test_a_backup_of_an_older_schema_is_migrated(fresh: Fresh, state: Path, tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    url = fresh("sqlite")
    engine = create_engine(f"sqlite:///{url}")
    with engine.begin() as connection:
        command.upgrade(config(connection), "0001")
        old = {row[1] for row in connection.exec_driver_sql("PRAGMA table_info(runs)")}
    engine.dispose()
    store = Store(url)
    with monkeypatch.context() as patch:  # this program, when it was younger
        patch.setattr("orchestrator.store.schema.HEAD", "0001")
        patch.setattr("orchestrator.store.archive.HEAD", "0001")
        patch.setattr("orchestrator.store.archive.tables_in_order", lambda: ["runs"])
        patch.setitem(TABLES, "runs", {name: kind for name, kind in TABLES["runs"].items() if name in old})
        store.open()
        record = RunRecord(id=RUN)
        store._database.insert(
            f"INSERT INTO runs ({', '.join(quote(TABLES['runs']))}) VALUES ({', '.join('?' * len(TABLES['runs']))})",
            [tuple(store._database.write[kind](getattr(record, name)) for name, kind in TABLES["runs"].items())])
        store.close()
        back_up(state, url, tmp_path / "b.zip")
    restore(tmp_path / "b.zip", tmp_path / "new", None)
    with Store(str(tmp_path / "new" / "orch.db")) as restored:
        assert [(run.id, run.kind) for run in restored.list_runs()] == [(RUN, "run")]


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_a_sealed_stream_gives_back_what_it_took(size: int) -> None:
    out = io.BytesIO()
    writer = SealedWriter(out, PASSPHRASE)
    writer.write(b"x" * size)
    writer.close()
    out.seek(0)
    assert b"".join(unsealed(out, PASSPHRASE)) == b"x" * size


@pytest.mark.parametrize("damage", ["a piece left out", "cut at a piece", "not ended", "pieces in another order"])
def test_a_sealed_stream_that_was_altered_does_not_open(damage: str) -> None:
    out = io.BytesIO()
    writer = SealedWriter(out, PASSPHRASE)
    writer.write(b"".join(bytes([n]) * PIECE_BYTES for n in range(3)))
    if damage != "not ended":
        writer.close()
    data, piece = out.getvalue(), PIECE_BYTES + 16
    head = len(data) % piece
    pieces = [data[at:at + piece] for at in range(head, len(data), piece)]
    order = {"a piece left out": [0, 2], "cut at a piece": [0, 1], "not ended": range(len(pieces)),
             "pieces in another order": [1, 0, 2]}[damage]
    with pytest.raises(StoreError):
        list(unsealed(io.BytesIO(data[:head] + b"".join(pieces[n] for n in order)), PASSPHRASE))
