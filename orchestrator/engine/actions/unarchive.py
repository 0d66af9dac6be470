"""The controller's half of unarchive: offers the archive's bytes when it lies with the playbook."""

from __future__ import annotations

from typing import Any

from orchestrator.engine.actions.copy import Blobs, is_true, offer
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value, failure


async def run(call: Call) -> Value:
    args: dict[str, Any] = dict(call.args)
    if not args.get("src") or not args.get("dest"):
        return failure("src (or content) and dest are required", "arguments")
    copied = is_true(args.pop("copy", True))
    if is_true(args.get("remote_src")) or not copied:
        return await call.execute("unarchive", {**args, "remote_src": True})
    if "://" in str(args["src"]):
        # Not the URL itself: there may be a password in it.
        return failure("Unsupported option, an URI src is only supported when remote_src is True", "arguments")
    blobs: Blobs = {}
    path = call.find("files", str(args["src"]))
    await offer(call, args, path, blobs)
    return await call.execute("unarchive", args, blobs=blobs)
