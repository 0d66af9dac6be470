"""A backup of the store: every row of every table as of one moment, and the keys without which they mean nothing.

A zip of JSON lines, the same for SQLite and PostgreSQL, so that a store can move from one to the other. It says which
schema it is of; an older one is restored as it was and migrated then.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec import Struct

from orchestrator.errors import StoreError
from orchestrator.store.columns import NUMBERED, READ, TABLES, quoted
from orchestrator.store.database import BATCH, Database, Row
from orchestrator.store.schema import HEAD, REVISIONS

FORMAT = 1
MANIFEST = "manifest.json"
COMPRESSION = zipfile.ZIP_DEFLATED
KEPT = ("master.key", "ca", "ssh-ca", "known_hosts")
"""Of the state directory: what a store cannot be used without."""
Progress = Callable[[str, int], None]
"""(table, rows so far)"""


class Part(Struct):
    """A table: its columns with their kinds, and how many rows; ``sha256`` of its lines."""

    columns: dict[str, str]
    rows: int
    sha256: str


class Manifest(Struct):
    orch_backup: int
    schema: str
    made: datetime
    where: str
    tables: dict[str, Part]
    """In an order in which they can be filled."""
    files: dict[str, str]
    """SHA-256 by name."""


def columns_of(table: str) -> dict[str, str]:
    """The columns as they are dumped: with the number that the database gave a row."""
    return {**({"id": "int"} if table in NUMBERED else {}), **TABLES[table]}


def tables_in_order() -> list[str]:
    """Those that others refer to first."""
    from orchestrator.store import migrate
    from orchestrator.store.tables import Table

    assert migrate  # all tables are declared once it is imported
    return [table.name for table in Table.metadata.sorted_tables]


# Writing

def write_archive(database: Database, state_dir: Path, out: IO[bytes], *, with_keys: bool = True,
                  master_key: Path | None = None, progress: Progress = lambda table, rows: None) -> Manifest:
    """Write a backup to ``out``, which need not be seekable. Runs may go on meanwhile: it is of the moment it begins.

    ``master_key``: where the key is, when it is not in the state directory.
    """
    manifest = Manifest(FORMAT, HEAD, datetime.now(UTC), database.where, {}, {})
    with zipfile.ZipFile(out, "w", COMPRESSION, compresslevel=3) as archive:
        with database.snapshot():
            for table in tables_in_order():
                with archive.open(f"tables/{table}.jsonl", "w", force_zip64=True) as member:
                    manifest.tables[table] = _dump(database, table, member, progress)
        if with_keys:
            for name, path in kept_files(state_dir, master_key).items():
                data = path.read_bytes()
                manifest.files[name] = hashlib.sha256(data).hexdigest()
                archive.writestr(f"files/{name}", data)
        archive.writestr(MANIFEST, msgspec.json.encode(manifest))
    return manifest


def _dump(database: Database, table: str, member: IO[bytes], progress: Progress) -> Part:
    columns = columns_of(table)
    digest, count = hashlib.sha256(), 0
    for rows in database.stream(f"SELECT {quoted(columns)} FROM {table}"):
        lines = b"".join(_line(columns, row) for row in rows)
        digest.update(lines)
        member.write(lines)
        count += len(rows)
        progress(table, count)
    return Part(columns, count, digest.hexdigest())


def _line(columns: Mapping[str, str], row: Row) -> bytes:
    """JSON in ASCII: a lone surrogate is escaped, and comes back."""
    values = [_portable(kind, value) for kind, value in zip(columns.values(), row, strict=True)]
    return json.dumps(values, separators=(",", ":")).encode("ascii") + b"\n"


def _portable(kind: str, value: Any) -> Any:
    if value is None:
        return None
    read = READ[kind](value)
    if kind == "time":
        return read.isoformat()
    return base64.b64encode(read).decode() if kind == "bytes" else read


def kept_files(state_dir: Path, master_key: Path | None = None) -> dict[str, Path]:
    """By name below the state directory."""
    found = {}
    for name in KEPT:
        path = state_dir / name
        for one in [path] if path.is_file() else sorted(path.rglob("*")) if path.is_dir() else []:
            if one.is_file() and not one.is_symlink():
                found[str(one.relative_to(state_dir))] = one
    if master_key is not None:
        found[KEPT[0]] = master_key
    return found


# Reading

def read_manifest(archive: zipfile.ZipFile) -> Manifest:
    """Raises `StoreError` for a file that is no backup, or a later orch's."""
    try:
        manifest = msgspec.json.decode(archive.read(MANIFEST), type=Manifest)
    except (KeyError, zipfile.BadZipFile, msgspec.MsgspecError) as error:
        raise StoreError(f"this is no backup, or it is cut off: {error}", code="backup_invalid") from error
    if manifest.orch_backup != FORMAT or manifest.schema not in REVISIONS:
        raise StoreError(f"this backup is of a newer orch (schema {manifest.schema}; this one knows {HEAD})",
                         code="backup_newer", hint="restore it with that one")
    return manifest


def check_archive(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """Read all of it once, against the sums. Raises `StoreError` before anything was restored."""
    for table, part in manifest.tables.items():
        digest = hashlib.sha256()
        try:
            with archive.open(f"tables/{table}.jsonl") as member:
                while block := member.read(1 << 20):
                    digest.update(block)
        except (KeyError, zipfile.BadZipFile, OSError) as error:
            raise _damaged(f"table {table}: {error}") from error
        if digest.hexdigest() != part.sha256:
            raise _damaged(f"table {table}")
    for name, sha256 in manifest.files.items():
        if hashlib.sha256(_member(archive, name)).hexdigest() != sha256:
            raise _damaged(name)


def _damaged(what: str) -> StoreError:
    return StoreError(f"the backup is damaged: {what}", code="backup_damaged", hint="take another one")


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        return archive.read(f"files/{name}")
    except (KeyError, zipfile.BadZipFile, OSError) as error:
        raise _damaged(f"{name}: {error}") from error


def load_rows(database: Database, archive: zipfile.ZipFile, manifest: Manifest,
              progress: Progress = lambda table, rows: None) -> None:
    """Fill the empty tables of a schema of the manifest's version, in one transaction."""
    with database.transaction():
        for table, part in manifest.tables.items():
            count = 0
            for rows in _batches(archive, table, part.columns):
                _insert(database, table, part.columns, rows)
                count += len(rows)
                progress(table, count)
            if table in NUMBERED and database.row_lock:  # SQLite goes on behind the highest number by itself
                database.select(f"SELECT setval(pg_get_serial_sequence(?, 'id'), max(\"id\")) FROM {table}"
                                " HAVING max(\"id\") IS NOT NULL", (table,))


def _batches(archive: zipfile.ZipFile, table: str, columns: Mapping[str, str]) -> Iterator[list[list[Any]]]:
    kinds, batch = list(columns.values()), []
    with archive.open(f"tables/{table}.jsonl") as member:
        for line in member:
            values = json.loads(line)
            if len(values) != len(kinds):
                raise _damaged(f"table {table}")
            batch.append([_native(kind, value) for kind, value in zip(kinds, values, strict=True)])
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _native(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "time":
        return datetime.fromisoformat(value)
    return base64.b64decode(value) if kind == "bytes" else value


def _insert(database: Database, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
    write = [database.write[kind] for kind in columns.values()]
    database.insert(
        f"INSERT INTO {table} ({quoted(columns)}) VALUES ({', '.join('?' * len(columns))})",
        [tuple(None if value is None else to(value) for to, value in zip(write, row)) for row in rows])
