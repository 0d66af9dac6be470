"""The controller's half of assemble: fragments beside the playbook are put together here and sent as one file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from orchestrator.engine.actions.copy import Blobs, is_true, offer_bytes
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value, failure

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
    return await call.execute("copy", passed, blobs=blobs)


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
        whole += path.read_bytes()
    return whole
