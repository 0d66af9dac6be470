"""Events too large for a batch: their agentlet sends them as a file of the job, and a stub in their place."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any

from orchestrator.errors import ProtocolError

KIND = "stored"
STREAM = re.compile(r"event-[0-9]+")
"""A task's own files have a colon in their stream's name."""


def whole(stub: dict[str, Any], data: bytes) -> dict[str, Any]:
    """The event that ``stub`` stands for. Raises `ProtocolError` when ``data`` is not what it says."""
    if len(data) != stub.get("size") or sha256(data).hexdigest() != stub.get("sha256"):
        raise ProtocolError(f"event {stub.get('seq')!r} is not what its stub announced")
    try:
        event = json.loads(data)
    except ValueError:
        event = None
    numbers = ("job", "attempt", "seq")
    if not isinstance(event, dict) or any(event.get(name) != stub.get(name) for name in numbers):
        raise ProtocolError(f"the file of event {stub.get('seq')!r} holds something else")
    return event
