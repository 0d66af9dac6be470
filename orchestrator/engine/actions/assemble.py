"""The controller's half of assemble: fragments beside the playbook are put together here and sent as one file."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path
from typing import Any

from orchestrator.engine.actions.copy import Blobs, is_true, offer_bytes
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value, failure

DIFF_LIMIT_BYTES = 100 * 1024
OWN = ("src", "delimiter", "regexp", "ignore_hidden", "remote_src", "decrypt")


async def run(call: Call) -> Value:
    args: dict[str, Any] = dict(call.args)
    if is_true(args.get("remote_src", True)):
        return await call.execute("assemble", args)
    if not args.get("src") or not args.get("dest"):
        return failure("src and dest are required", "arguments")
    folder = call.find("files", str(args["src"]))
    if not folder.is_dir():
        return failure(f"Source ({folder}) is not a directory", "source")
    data = _assembled(folder, args)
    blobs: Blobs = {}
    passed = {k: v for k, v in args.items() if k not in OWN}
    passed.update(src=offer_bytes(data, blobs), _original_basename=folder.name)
    value = await call.execute("copy", passed, blobs=blobs)
    if not value.get("failed"):
        value.setdefault("md5sum", hashlib.md5(data, usedforsecurity=False).hexdigest())
        if call.diff:
            value["diff"] = _diff(value.get("diff"), data, str(args["dest"]))
    return value


def _diff(given: Any, data: bytes, dest: str) -> Any:
    """One part, as Ansible's assemble gives it, and when nothing differs as well."""
    if given:
        return given[0] if isinstance(given, list) and len(given) == 1 else given
    shown = len(data) <= DIFF_LIMIT_BYTES and b"\0" not in data
    text = data.decode("utf-8", "surrogateescape") if shown else f"({len(data)} bytes)\n"
    return {"before": text, "after": text, "before_header": dest, "after_header": dest}


def _assembled(folder: Path, args: dict[str, Any]) -> bytes:
    pattern = re.compile(args["regexp"]) if args.get("regexp") else None
    delimiter = args.get("delimiter")
    mark = str(delimiter).encode().decode("unicode_escape").encode() if delimiter else b""
    whole = b""
    for path in sorted(folder.iterdir()):
        hidden = is_true(args.get("ignore_hidden", False)) and path.name.startswith(".")
        if not path.is_file() or hidden or (pattern and not pattern.search(path.name)):
            continue
        if whole and not whole.endswith(b"\n"):
            whole += b"\n"
        if whole and mark:
            whole += mark if mark.endswith(b"\n") else mark + b"\n"
        sys.audit("orch.content", os.fspath(path))
        whole += path.read_bytes()
    return whole
