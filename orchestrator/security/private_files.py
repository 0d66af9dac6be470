"""Files that only their owner may read: written whole beside their place, synced, renamed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def private_folder(path: str | os.PathLike[str]) -> Path:
    """The folder, made with mode 0700 where it is missing. Raises OSError."""
    folder = Path(path)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def write_private(path: Path, data: bytes, *, mode: int = 0o600, keep: bool = False) -> None:
    """Put ``data`` in place by one rename, so that nobody ever reads half of it.

    ``keep``: a file that is there already stays as it is, also when another process makes it at this moment.
    """
    private_folder(path.parent)
    handle, temp = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(data)
            file.flush()
            os.fsync(handle)
        if keep:
            try:
                os.link(temp, path)
            except FileExistsError:
                return
        else:
            os.replace(temp, path)
            temp = ""
    finally:
        if temp:
            os.unlink(temp)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """A rename lives in its folder: without this a power cut may take it back."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
