"""Digests of the controller's own files, so that a file sent to a thousand hosts is read once."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from orchestrator.errors import TaskFault

if TYPE_CHECKING:
    from orchestrator.content.loader import ContentLoader


class FileDigest(Struct, frozen=True):
    path: Path
    sha256: str
    size_bytes: int
    mode: int

    def blob(self) -> dict[str, object]:
        """How a job names this file."""
        return {"blob": self.sha256, "size": self.size_bytes}


class FileDigests:
    """SHA-256 by path, computed off the loop, and again only when size, inode or modification time differ."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int, int], asyncio.Future[FileDigest]]] = {}
        self._texts: dict[Path, str] = {}

    def text(self, path: Path, content: ContentLoader) -> str:
        """A template's text, read once per run; a vaulted file is opened. Raises UnicodeDecodeError."""
        sys.audit("orch.content", os.fspath(path))
        known = self._texts.get(path)
        if known is None:
            data = path.read_bytes()
            if data.startswith(b"$ANSIBLE_VAULT"):
                data = content.vault.decrypt_bytes(data.decode())
            known = self._texts[path] = data.decode("utf-8")
        return known

    async def of(self, path: Path) -> FileDigest:
        """Raises `TaskFault` when the file cannot be read."""
        sys.audit("orch.content", os.fspath(path))
        try:
            status = os.stat(path)
        except OSError as error:
            raise TaskFault(f"cannot read {path}: {error.strerror}", code="source_unreadable") from error
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        known = self._known.get(path)
        if known is None or known[0] != stamp:
            future = asyncio.get_running_loop().run_in_executor(None, _digest, path, status.st_mode & 0o7777)
            known = self._known[path] = (stamp, future)
        return await asyncio.shield(known[1])


def _digest(path: Path, mode: int) -> FileDigest:
    try:
        with open(path, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256")
            return FileDigest(path, digest.hexdigest(), stream.tell(), mode)
    except OSError as error:
        raise TaskFault(f"cannot read {path}: {error.strerror}", code="source_unreadable") from error
