"""The controller's half of copy: finds the source, offers its bytes by hash, expands a directory into its files."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from orchestrator.engine.call import Call
from orchestrator.engine.files import FileDigest
from orchestrator.engine.outcome import Value, failure
from orchestrator.errors import ContentError, TaskFault

Blobs = dict[str, "Path | bytes"]


async def run(call: Call) -> Value:
    args = dict(call.args)
    if not args.get("src") and args.get("content") is None:
        return failure("src (or content) is required", "arguments")
    if not args.get("dest"):
        return failure("dest is required", "arguments")
    if is_true(args.get("remote_src")) or (args.get("src") is None and "content" not in args):
        return await call.execute("copy", args)
    if "content" in args:
        if args.get("src") is not None:
            return failure("src and content are mutually exclusive", "arguments")
        if str(args.get("dest", "")).endswith("/"):
            return failure("can not use content with a dir as dest", "arguments")
        args["content"] = content_text(args["content"])
        return await call.execute("copy", args)
    try:
        return await send(call, "copy", args, str(args["src"]))
    except (ContentError, TaskFault) as error:
        return failure(error.message, error.code, error.hint)


def content_text(content: Any) -> str:
    """``content`` as text: mappings and lists become JSON, as templates of native types give them."""
    if isinstance(content, (dict, list)):
        return json.dumps(content, sort_keys=False)
    if isinstance(content, bool) or content is None:
        return str(content)
    return str(content)


async def send(call: Call, module: str, args: dict[str, Any], src: str) -> Value:
    """Run ``module`` with the file or directory ``src`` of the controller behind its ``src`` argument."""
    path = call.find("files", src)
    blobs: Blobs = {}
    if path.is_dir():
        args["src"] = None
        args["_tree"] = await _tree(call, path, src, blobs, follow=is_true(args.get("local_follow", True)))
        args["_source"] = str(path)
    else:
        await offer(call, args, path, blobs)
    if args.get("mode") == "preserve" and not path.is_dir():  # each file of a directory has its own
        args["mode"] = f"0{path.stat().st_mode & 0o7777:o}"
    return await call.execute(module, args, blobs=blobs)


async def offer(call: Call, args: dict[str, Any], path: Path, blobs: Blobs) -> None:
    """Put a file's hash in place of ``src`` and remember where its bytes are."""
    plain = _unvaulted(call, path) if is_true(args.pop("decrypt", True)) else None
    if plain is not None:
        args["src"] = offer_bytes(plain, blobs)
    else:
        digest: FileDigest = await call.run.files.of(path)
        blobs[digest.sha256] = path
        args["src"] = digest.blob()
    args.setdefault("_original_basename", path.name)


def offer_bytes(data: bytes, blobs: Blobs) -> dict[str, object]:
    import hashlib

    digest = hashlib.sha256(data).hexdigest()
    blobs[digest] = data
    return {"blob": digest, "size": len(data)}


def _unvaulted(call: Call, path: Path) -> bytes | None:
    """The plain bytes of a vaulted file; None for any other."""
    sys.audit("orch.content", os.fspath(path))
    with open(path, "rb") as stream:
        if stream.read(14) != b"$ANSIBLE_VAULT":
            return None
    vault = call.run.loader.content.vault
    if not vault.secrets:
        raise ContentError(f"A vault password or secret must be specified to decrypt {path}",
                           hint="give --vault-password-file or --ask-vault-pass")
    return vault.decrypt_bytes(path.read_text())


async def _tree(call: Call, root: Path, src: str, blobs: Blobs, *, follow: bool) -> list[dict[str, Any]]:
    """Everything below a directory, parents first. Without a trailing slash the directory itself comes along."""
    prefix = "" if src.endswith("/") else root.name + "/"
    entries: list[dict[str, Any]] = [{"path": prefix.rstrip("/"), "dir": True}] if prefix else []
    for folder, names, files in os.walk(root, followlinks=follow):
        names.sort()
        relative = prefix + os.path.relpath(folder, root) + "/" if folder != str(root) else prefix
        for name in list(names):
            full = Path(folder, name)
            if full.is_symlink() and (not follow or _is_circle(full, root)):
                names.remove(name)
                entries.append({"path": relative + name, "link": os.readlink(full)})
            else:
                entries.append({"path": relative + name, "dir": True, "mode": full.stat().st_mode & 0o7777})
        for name in sorted(files):
            entries.append(await _leaf(call, Path(folder, name), relative + name, blobs, follow))
    return entries


def _is_circle(link: Path, root: Path) -> bool:
    """Whether a link to a directory leads to where the walk came from: following it would never end."""
    real, folder = os.path.realpath(link), link.parent
    above = [folder, *(parent for parent in folder.parents if parent == root or root in parent.parents)]
    return any((os.path.realpath(each) + "/").startswith(real.rstrip("/") + "/") for each in above)


async def _leaf(call: Call, full: Path, relative: str, blobs: Blobs, follow: bool) -> dict[str, Any]:
    if full.is_symlink() and (not follow or not full.exists()):  # a link to nothing stays one
        return {"path": relative, "link": os.readlink(full)}
    plain = _unvaulted(call, full)
    if plain is not None:
        return {"path": relative, **offer_bytes(plain, blobs), "mode": full.stat().st_mode & 0o7777}
    digest = await call.run.files.of(full)
    blobs[digest.sha256] = full
    return {"path": relative, **digest.blob(), "mode": digest.mode}


def is_true(value: Any) -> bool:
    """An argument as a boolean: actions see what the playbook wrote, before a module has coerced it."""
    return value if isinstance(value, bool) else str(value).lower() in ("true", "yes", "on", "1", "y", "t")
