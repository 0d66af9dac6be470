"""The driver of every module test: each row runs in check mode, for real, and again.

    def test_x(on_host, tmp_path):
        done = on_host.converge("file", {"path": ..., "state": "touch"})      # three runs, the promises checked
        result = on_host.run("stat", {"path": ...})                           # one run, as it is
        fault = on_host.fails("file", {...}, code="bad_mode")                 # fails, and wrote nothing

It works on the real files under ``tmp_path``; `snapshot` sees every byte, mode, owner and link there.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from agentlet.execute import execute
from agentlet.host import local_host
from tests.modules.trial import Result, Trial


def snapshot(root: Path, times: bool = True) -> dict[str, tuple[Any, ...]]:
    """Everything under ``root``: relative path -> type and mode, owner, contents or link target, and mtime."""
    seen: dict[str, tuple[Any, ...]] = {}
    for folder, folders, files in os.walk(root):
        for name in [*folders, *files]:
            path = Path(folder, name)
            now = path.lstat()
            if stat.S_ISLNK(now.st_mode):
                body: Any = os.readlink(path)
            else:
                body = path.read_bytes() if stat.S_ISREG(now.st_mode) else None
            when = now.st_mtime_ns if times and not stat.S_ISDIR(now.st_mode) else 0
            seen[str(path.relative_to(root))] = (oct(now.st_mode), now.st_uid, now.st_gid, body, when)
    return seen


class OnHost(Trial):
    """Runs modules on this machine, in-process, as the runtime does."""

    same_diff = True

    def __init__(self, root: Path, uploads: Path) -> None:
        self.root = root
        self.uploads = uploads
        self.blobs: dict[str, bytes] = {}

    def blob(self, data: bytes) -> dict[str, Any]:
        """A reference to contents that the controller offers."""
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return {"blob": digest, "size": len(data)}

    def run(self, module: str, args: dict[str, Any], *, check: bool = False, diff: bool = True, **more: Any) -> Result:
        """One run; the result as `agentlet.execute` gives it."""
        host = local_host(check_mode=check, diff=diff, blobs=self.blobs, uploads_dir=str(self.uploads), **more)
        return execute(module, args, host)

    def seen(self, look: str = "") -> dict[str, tuple[Any, ...]]:
        """Every file below the root."""
        return snapshot(self.root)

    def unchanged(self, module: str, args: dict[str, Any], **more: Any) -> Result:
        """Nor is any file written."""
        before = self.seen()
        result = super().unchanged(module, args, **more)
        assert self.seen() == before, "nothing to change, yet it wrote"
        return result

    def fails(self, module: str, args: dict[str, Any], code: str, says: str = "", **more: Any) -> Result:
        """It leaves every file as it was, too."""
        before = self.seen()
        result = super().fails(module, args, code, says, **more)
        assert self.seen() == before, "it failed, yet it wrote"
        return result


@pytest.fixture
def on_host(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> OnHost:
    return OnHost(tmp_path, tmp_path_factory.mktemp("uploads"))
