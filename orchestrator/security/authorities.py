"""Which certificate authorities there are, and until when they are trusted: read from their index alone.

The library that certificates need takes 60 ms to import; who lists agentlets does without it.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from orchestrator.errors import UsageError

INDEX = "authorities.json"


class Authority(Struct):
    """One certificate authority. Without ``trusted_until`` it is the one that signs."""

    name: str
    created: float
    trusted_until: float | None = None


def trusted(folder: Path, now: datetime) -> list[Authority]:
    """Those that are trusted now, the oldest first; the last one signs. Raises `UsageError` where there is none."""
    try:
        found = json.loads((folder / INDEX).read_text())
    except FileNotFoundError:
        raise UsageError(f"there is no certificate authority in {folder}", code="ca_missing",
                         hint="orch ca init") from None
    at = now.timestamp()
    return [one for one in (Authority(**row) for row in found)
            if one.trusted_until is None or one.trusted_until > at]
