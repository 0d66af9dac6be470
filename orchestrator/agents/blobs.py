"""Files in the store, sealed, in parts: a run puts them there under their digest, each once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from orchestrator.agents.office import Office
from orchestrator.agents.rows import BLOB, BlobRow
from orchestrator.errors import StoreError
from orchestrator.store.table import marks

Source = str | os.PathLike[str] | bytes
"""A file's path, or the bytes themselves."""
PART_BYTES = 256 * 1024
BATCH_BYTES = 4 * 1024 * 1024
"""In one transaction: a large file must not keep others from writing."""


def put_blobs(
    office: Office, job: str, sizes: Mapping[str, int], sources: Mapping[str, Source]
) -> list[dict[str, Any]]:
    """Store each file, by digest, that no job has brought yet; returns the job's rows, to be inserted with the job.

    In transactions of its own. Raises `StoreError` when a file is not what its digest says.
    """
    names = {digest: office.blob_name(digest) for digest in sizes}
    rows = [{"job_id": job, "name": names[digest], "kind": BLOB, "size": size, "parts": -(-size // PART_BYTES),
             "complete": True, "meta": b""} for digest, size in sizes.items()]
    there = _needed(office, names.values()) & _whole(office, rows)
    batch = _Batch(office)
    for digest, name in names.items():
        if name not in there:
            _put(batch, name, digest, sources[digest])
    batch.write()
    return rows


def are_whole(office: Office, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every part of these files is there; asked once more in the transaction that needs them."""
    return len(_whole(office, rows)) == len(rows)


def _needed(office: Office, names: Collection[str]) -> set[str]:
    """Those that a job refers to: what none does may be swept away at any moment."""
    if not names:
        return set()
    found = office.database.select(
        f'SELECT "name" FROM mailbox_blobs b WHERE "name" IN ({marks(names)}) AND "part" = 0'
        ' AND EXISTS (SELECT 1 FROM mailbox_job_blobs j WHERE j."name" = b."name")', tuple(names))
    return {str(row[0]) for row in found}


def _whole(office: Office, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    parts = {str(row["name"]): int(row["parts"]) for row in rows}
    if not parts:
        return set()
    found = office.database.select(
        f'SELECT "name", count(*) FROM mailbox_blobs WHERE "name" IN ({marks(parts)}) GROUP BY "name"', tuple(parts))
    counts = {str(name): int(count) for name, count in found}
    return {name for name, count in parts.items() if counts.get(name, 0) == count}


class _Batch:
    """Parts of any number of files, some at a time in one transaction: a commit costs more than a small file."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._waiting: list[tuple[str, int, bytes]] = []

    def add(self, name: str, number: int, chunk: bytes) -> None:
        self._waiting.append((name, number, chunk))
        if sum(len(data) for _, _, data in self._waiting) >= BATCH_BYTES:
            self.write()

    def write(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            with self._office.database.transaction():
                for name, number, chunk in waiting:
                    self._office.blobs.delete('"name" = ? AND "part" = ?', name, number)
                    insert_part(self._office, name, number, chunk)

    def drop(self, name: str) -> None:
        """Nothing of this file stays."""
        self._waiting = [one for one in self._waiting if one[0] != name]
        with self._office.database.transaction():
            self._office.blobs.delete('"name" = ?', name)


def _put(batch: _Batch, name: str, digest: str, source: Source) -> None:
    hashed = hashlib.sha256()
    for number, chunk in enumerate(_chunks(source)):
        hashed.update(chunk)
        batch.add(name, number, chunk)
    if hashed.hexdigest() != digest:
        batch.drop(name)
        raise StoreError("a file changed while it was put into the mailbox", code="blob_changed",
                         hint="run again when nobody writes to it")


def _chunks(source: Source) -> Iterator[bytes]:
    if isinstance(source, bytes):
        for start in range(0, len(source), PART_BYTES):
            yield source[start:start + PART_BYTES]
        return
    with open(source, "rb") as file:
        while chunk := file.read(PART_BYTES):
            yield chunk


def insert_part(office: Office, name: str, number: int, data: bytes) -> None:
    office.blobs.insert({"name": name, "part": number, "created": office.clock(),
                         "data": office.master.seal(data, office.part_purpose(name, number))})


def parts(office: Office, name: str, first: int, last: int) -> Iterator[bytes]:
    """Parts in order, read one by one: in flat memory. Raises `StoreError` when one is missing."""
    for number in range(first, last + 1):
        row: BlobRow | None = office.blobs.find('"name" = ? AND "part" = ?', name, number)
        if row is None:
            raise StoreError("a part of a file is missing in the mailbox", code="blob_missing",
                             hint="run it again")
        yield office.master.open(row.data, office.part_purpose(name, number))
