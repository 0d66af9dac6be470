"""`orch backup-db` and `orch restore-db`: a store with its keys into one file, and back into an empty place."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from orchestrator.errors import StoreError, UsageError
from orchestrator.security.master import VARIABLE
from orchestrator.security.private_files import write_private
from orchestrator.security.sealed_stream import SealedWriter, is_sealed, unsealed
from orchestrator.store.archive import (
    KEPT,
    Manifest,
    Progress,
    check_archive,
    load_rows,
    read_manifest,
    write_archive,
)
from orchestrator.store.database import Database, database_for
from orchestrator.store.schema import HEAD
from orchestrator.store.state import ensure

NEVER_EMPTY_AGAIN = ("runs", "agents", "users", "audit")
"""A store with a row in one of these has been used."""


def back_up(state_dir: Path, store_url: str | None, target: Path, *, with_keys: bool = True,
            passphrase: bytes | None = None, environ: Mapping[str, str] = os.environ,
            progress: Progress = lambda table, rows: None) -> Manifest:
    """Write the backup to ``target`` (0600), whole or not at all. Raises `UsageError` or `StoreError`."""
    database = _opened(state_dir, store_url)
    named = environ.get(VARIABLE)
    try:
        with _placed(target) as out:
            sealed = SealedWriter(out, passphrase) if passphrase else None
            manifest = write_archive(database, state_dir, cast(IO[bytes], sealed) if sealed else out,
                                     with_keys=with_keys, master_key=Path(named).expanduser() if named else None,
                                     progress=progress)
            if sealed:
                sealed.close()
            return manifest
    except OSError as error:
        raise UsageError(f"the backup cannot be written: {error.strerror}: {target}", code="backup_unwritten",
                         hint="nothing was left there") from error
    finally:
        database.close()


def restore(source: Path, state_dir: Path, store_url: str | None, *, passphrase: bytes | None = None,
            progress: Progress = lambda table, rows: None) -> Manifest:
    """Put a backup into an empty store and state directory. Everything is checked before anything is written.

    Raises `UsageError` for a place that is in use, `StoreError` for a backup that is damaged.
    """
    ensure(state_dir)
    with _plain(source, passphrase, state_dir) as file:
        try:
            archive = zipfile.ZipFile(file)
        except zipfile.BadZipFile as error:
            raise StoreError(f"this is no backup, or it is cut off: {source}", code="backup_invalid") from error
        with archive:
            manifest = read_manifest(archive)
            check_archive(archive, manifest)
            _refuse_other_keys(archive, manifest, state_dir)
            _fill(archive, manifest, state_dir, store_url, progress)
            for name in manifest.files:
                write_private(_below(state_dir, name), archive.read(f"files/{name}"))
    return manifest


def _opened(state_dir: Path, store_url: str | None) -> Database:
    database = database_for(store_url or str(state_dir / "orch.db"))
    database.open()
    return database


@contextmanager
def _placed(target: Path) -> Iterator[IO[bytes]]:
    """A file beside ``target`` that takes its place at the end; gone when that is not reached."""
    handle, temp = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(handle)
        os.replace(temp, target)
    except BaseException:
        os.unlink(temp)
        raise


@contextmanager
def _plain(source: Path, passphrase: bytes | None, state_dir: Path) -> Iterator[IO[bytes]]:
    """The archive itself: opened, or opened up into a file without a name."""
    try:
        file = source.open("rb")
    except OSError as error:
        raise UsageError(f"the backup cannot be read: {error.strerror}: {source}", code="backup_unreadable") from error
    with file:
        if not is_sealed(file):
            yield file
            return
        if not passphrase:
            raise UsageError("this backup is sealed with a passphrase", code="backup_sealed",
                             hint="give it with --passphrase-file FILE")
        with tempfile.TemporaryFile(dir=state_dir) as opened:
            for piece in unsealed(file, passphrase):
                opened.write(piece)
            opened.seek(0)
            yield opened


def _refuse_other_keys(archive: zipfile.ZipFile, manifest: Manifest, state_dir: Path) -> None:
    for name in manifest.files:
        path = _below(state_dir, name)
        if name != "known_hosts" and path.exists() and path.read_bytes() != archive.read(f"files/{name}"):
            raise UsageError(f"there is another {name} here already: {path}", code="restore_in_use",
                             hint="restore into an empty state directory: ORCH_STATE_DIR names one")


def _below(state_dir: Path, name: str) -> Path:
    """A name out of an archive may lead to what orch keeps there, and nowhere else."""
    path = (state_dir / name).resolve()
    if Path(name).parts[:1] not in [(kept,) for kept in KEPT] or not path.is_relative_to(state_dir.resolve()):
        raise StoreError(f"the backup is damaged: it has a file {name!r}", code="backup_damaged")
    return path


def _fill(archive: zipfile.ZipFile, manifest: Manifest, state_dir: Path, store_url: str | None,
          progress: Progress) -> None:
    """Make the schema as it was, fill it, and bring it to today's."""
    from orchestrator.store.migrate import downgrade, upgrade

    database = _opened(state_dir, store_url)
    try:
        for table in NEVER_EMPTY_AGAIN:
            if database.select(f"SELECT 1 FROM {table} LIMIT 1"):
                raise UsageError(f"this store is in use: {database.where}", code="restore_in_use",
                                 hint="name an empty one with --store")
        if manifest.schema != HEAD:
            downgrade(database.alchemy_url, manifest.schema)
        load_rows(database, archive, manifest, progress)
        if manifest.schema != HEAD:
            upgrade(database.alchemy_url)
    finally:
        database.close()
