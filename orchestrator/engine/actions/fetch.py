"""The controller's half of fetch: decides where a host's file goes, takes its bytes, puts them in place by one rename.

The host never has a say in the local path: it is made of the inventory name, the path that the playbook asked for, and
``dest``. See CVE-2019-3828 and ansible #67793 for what happens otherwise.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from orchestrator.engine.actions.copy import is_true
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value, failure


async def run(call: Call) -> Value:
    args = dict(call.args)
    src, dest = args.get("src"), args.get("dest")
    if not src or not dest:
        return failure("src and dest are required", "arguments")
    if not isinstance(src, str):
        return failure("Invalid type supplied for source option, it must be a string", "arguments")
    if call.check:
        return {"changed": False, "skipped": True, "msg": "check mode not (yet) supported for this module"}
    try:
        local = local_path(call, str(src), str(dest), flat=is_true(args.get("flat")))
    except ValueError as error:
        return failure(str(error), "path_denied")
    if local.is_dir():
        return failure(f"calculated dest '{local}' is an existing directory, use another path that does not point to "
                       "an existing directory", "arguments")
    sys.audit("orch.content", os.fspath(local))
    had = _sha1(local) if local.is_file() else None
    sinks: list[Sink] = []

    def uploads(stream: str, path: str, size: int, mode: Any) -> Sink:
        sinks.append(Sink(local))
        return sinks[-1]

    remote = {k: v for k, v in args.items() if k in ("src", "dest", "fail_on_missing", "validate_checksum")}
    if had:
        remote["known_checksum"] = had
    value = await call.execute("fetch", remote, uploads=uploads)
    return _ended(value, local, had, sinks, str(src))


def _ended(value: Value, local: Path, had: str | None, sinks: list[Sink], src: str) -> Value:
    if value.get("failed") or value.get("skipped") or "checksum" not in value and not sinks:
        for sink in sinks:
            sink.abort()
        return value
    checksum = value.get("checksum")
    shown: Value = {"file": src, "dest": str(local), "checksum": checksum, "changed": False}
    if not sinks:
        return {**shown, "md5sum": None}
    sink = sinks[0]
    if not sink.complete or (checksum and sink.sha1.hexdigest() != checksum):
        sink.abort()
        return failure("checksum mismatch", "corrupt", "the file changed while it was read: try again", file=src,
                       dest=str(local), checksum=sink.sha1.hexdigest(), remote_checksum=checksum)
    changed = had != sink.sha1.hexdigest()
    sink.keep() if changed else sink.abort()
    return {**shown, "changed": changed, "checksum": sink.sha1.hexdigest(), "remote_checksum": checksum,
            "md5sum": sink.md5.hexdigest(), "remote_md5sum": None}


def local_path(call: Call, src: str, dest: str, *, flat: bool) -> Path:
    """Where the file goes. Raises ValueError for a path that would leave ``dest``."""
    base = os.path.dirname(os.path.abspath(call.play.play.origin.file))
    expanded = os.path.expanduser(dest)
    full = expanded if os.path.isabs(expanded) else os.path.join(base, expanded)
    if flat:
        if os.path.isdir(full) and not full.endswith(os.sep):
            raise ValueError("dest is an existing directory, use a trailing slash if you want to fetch src into that "
                             "directory")
        return Path(os.path.normpath(os.path.join(full, os.path.basename(src)) if full.endswith(os.sep) else full))
    inner = os.path.normpath(os.path.join("/", call.target_name.replace("/", "_"), src.lstrip("/")))
    whole = os.path.normpath(full + inner)
    if os.path.commonpath([whole, os.path.normpath(full)]) != os.path.normpath(full):
        raise ValueError(f"{src} would be written outside of {dest}")
    return Path(whole)


class Sink:
    """A file arriving: a 0600 temp file beside its destination, renamed when it is whole."""

    def __init__(self, local: Path) -> None:
        sys.audit("orch.content", os.fspath(local))
        local.parent.mkdir(parents=True, exist_ok=True)
        handle, self._temp = tempfile.mkstemp(prefix=f".{local.name[:50]}.", dir=local.parent)
        self._stream = os.fdopen(handle, "wb")
        self._local = local
        self.sha1 = hashlib.sha1(usedforsecurity=False)
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.complete = False

    def write(self, data: bytes) -> None:
        self._stream.write(data)
        self.sha1.update(data)
        self.md5.update(data)

    def close(self) -> None:
        self._stream.close()
        self.complete = True

    def keep(self) -> None:
        """Put the file in place, with the mode a new file of the operator's has."""
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(self._temp, 0o666 & ~umask)
        os.replace(self._temp, self._local)

    def abort(self) -> None:
        self._stream.close()
        Path(self._temp).unlink(missing_ok=True)


def _sha1(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
