"""The differences of a result as lines of a unified diff."""

from __future__ import annotations

import difflib
import json
from typing import Any


def unified(entry: dict[str, Any], context: int = 3) -> list[str]:
    """One ``diff`` entry, its headers as Ansible writes them; a text without a last newline is told."""
    if "prepared" in entry:
        return str(entry["prepared"]).splitlines()
    before, after = _lines(entry.get("before")), _lines(entry.get("after"))
    rows = difflib.unified_diff(before, after, _header("before", entry), _header("after", entry), lineterm="", n=context)
    return list(rows)


def _header(side: str, entry: dict[str, Any]) -> str:
    name = entry.get(f"{side}_header")
    return f"{side}: {name}" if name else side


def _lines(side: Any) -> list[str]:
    if side is None:
        return []
    text = side if isinstance(side, str) else json.dumps(side, indent=4, sort_keys=True, default=str) + "\n"
    lines = text.splitlines()
    if text and not text.endswith("\n"):
        lines[-1] += "\n\\ No newline at end of file"
    return [row for line in lines for row in line.split("\n")]
