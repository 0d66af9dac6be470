"""A job on its way to an agentlet: one JSON text and its signature. Pure.

The signature is HMAC-SHA256 over the text's bytes with the agent's job key, which is derived from the master key: the
standard library on the host cannot verify anything asymmetric. There is one format, and nothing unsigned.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

VERSION = 1


class Envelope(Struct):
    """What one host is to do, in full. ``agent`` and ``attempt`` are set anew when it is handed out."""

    host: str
    run: str
    job: str
    tasks: list[dict[str, Any]]
    attempt: int = 1
    agent: str = ""
    priority: int = 0
    created: int = 0
    expires: int = 0
    """Epoch seconds of the server's clock: later than this the job must not begin."""
    deadline_s: float | None = None
    check: bool = False
    diff: bool = False
    sources: list[tuple[str, str, int]] = field(default_factory=list)
    """(dotted name, SHA-256 hex, size in bytes) of every module source the tasks need, in the order of import."""
    blobs: list[tuple[str, int]] = field(default_factory=list)
    """(SHA-256 hex, size in bytes) of every file the tasks may ask for."""
    secrets: dict[str, str] = field(default_factory=dict)
    """What tasks refer to by name: become passwords."""


def to_text(envelope: Envelope) -> str:
    """Canonical JSON: ASCII, names sorted, no spaces; the same envelope gives the same text."""
    return json.dumps({"v": VERSION, **asdict(envelope)}, sort_keys=True, separators=(",", ":"), allow_nan=False)


def from_text(text: str) -> Envelope:
    """What `to_text` was given; only for texts that this side has made."""
    values = json.loads(text)
    values.pop("v")
    values["sources"] = [tuple(source) for source in values["sources"]]
    values["blobs"] = [tuple(blob) for blob in values["blobs"]]
    return Envelope(**values)


def sign(text: str, key: bytes) -> str:
    """The signature in hex."""
    return hmac.new(key, text.encode("ascii"), hashlib.sha256).hexdigest()


def verify(text: str, signature: str, key: bytes) -> bool:
    """Whether ``signature`` is the text's; compared in constant time."""
    return hmac.compare_digest(sign(text, key).encode(), signature.encode("utf-8", "replace"))


def seal_key(new: bytes, present: bytes) -> str:
    """``new``, a job key, for whoever has the ``present`` one alone: an agentlet that is not root hands it on unread.

    A pad and a tag by HMAC-SHA256, under prefixes that no envelope begins with; the same keys give the same text.
    """
    nonce = hmac.digest(present, b"orch-job-key-nonce\0" + new, "sha256")[:16]
    pad = hmac.digest(present, b"orch-job-key-pad\0" + nonce, "sha256")
    box = bytes(one ^ other for one, other in zip(new, pad, strict=True))
    tag = hmac.digest(present, b"orch-job-key-tag\0" + nonce + box, "sha256")
    return "sealed:" + (nonce + box + tag).hex()
