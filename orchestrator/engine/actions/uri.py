"""The controller's half of uri: offers the bytes of files that lie with the playbook."""

from __future__ import annotations

from typing import Any

from orchestrator.engine.actions.copy import Blobs, is_true, offer
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value, failure
from orchestrator.errors import OrchError


async def run(call: Call) -> Value:
    if call.check:
        return {"changed": False, "skipped": True, "msg": "This action (uri) does not support check mode."}
    args: dict[str, Any] = dict(call.args)
    blobs: Blobs = {}
    try:
        if not is_true(args.get("remote_src")):
            await _offer_files(call, args, blobs)
    except OrchError as error:
        return failure(error.message, error.code, error.hint)
    return await call.execute("uri", args, blobs=blobs)


async def _offer_files(call: Call, args: dict[str, Any], blobs: Blobs) -> None:
    """Put hashes in place of ``src`` and of the files of a form."""
    if args.get("src"):
        args["src"] = await _reference(call, str(args["src"]), blobs)
    body = args.get("body")
    if args.get("body_format") == "form-multipart" and isinstance(body, dict):
        args["body"] = {name: await _with_file(call, field, blobs) for name, field in body.items()}


async def _with_file(call: Call, field: Any, blobs: Blobs) -> Any:
    if not isinstance(field, dict) or field.get("content") is not None or not field.get("filename"):
        return field
    return {**field, "blob": await _reference(call, str(field["filename"]), blobs)}


async def _reference(call: Call, name: str, blobs: Blobs) -> Any:
    args: dict[str, Any] = {}
    await offer(call, args, call.find("files", name), blobs)
    return args["src"]
