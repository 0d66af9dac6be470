"""A worker's name: the same after a restart, so that it takes up what it left, and never two at once."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.store.books import new_id
from orchestrator.store.state import ensure

FOLDER = "workers"
MOST = 64


class WorkerName:
    """One of the state directory's names, held by a lock on its file until the process ends, however it does."""

    def __init__(self, state_dir: Path) -> None:
        folder = Path(ensure(Path(ensure(state_dir)) / FOLDER))
        for number in range(1, MOST + 1):
            descriptor = os.open(folder / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            self._descriptor = descriptor
            self.id = self._read() or self._write(f"{socket.gethostname()[:60]}-{new_id()[:8]}")
            return
        raise UsageError(f"{MOST} workers use this state directory already: {state_dir}", code="workers")

    def _read(self) -> str:
        return os.pread(self._descriptor, 200, 0).decode(errors="replace").strip()

    def _write(self, name: str) -> str:
        os.pwrite(self._descriptor, f"{name}\n".encode(), 0)
        os.fsync(self._descriptor)
        return name

    def close(self) -> None:
        os.close(self._descriptor)
