"""The differences of a result as lines of a unified diff, in the form of Ansible's ``--diff``."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

NO_NEWLINE = "\\ No newline at end of file"
MAX_LINES = 20_000
"""Of one side: comparing is quadratic at worst, and nobody reads on."""
SKIPS = {"dst_binary": "destination file appears to be binary", "src_binary": "source file appears to be binary",
         "dst_larger": "destination file is too large", "src_larger": "source file is too large"}


def unified(entry: Mapping[str, Any], context: int = 3) -> list[str]:
    """One ``diff`` entry, its headers as Ansible writes them; a text without a last newline is told.

    Lines are as the host sent them: make them `safe` before they reach a terminal.
    """
    rows = [f"diff skipped: {reason}" for mark, reason in SKIPS.items() if entry.get(mark)]
    if "before" in entry or "after" in entry:
        rows += _compared(entry, context)
    if entry.get("prepared"):
        rows += str(entry["prepared"]).removesuffix("\n").split("\n")
    return rows


def _compared(entry: Mapping[str, Any], context: int) -> list[str]:
    before, after = _lines(entry.get("before")), _lines(entry.get("after"))
    if len(before) > MAX_LINES or len(after) > MAX_LINES:
        return [f"diff skipped: {len(before)} lines before, {len(after)} after"] if before != after else []
    names = _header("before", entry), _header("after", entry)
    rows = difflib.unified_diff(before, after, *names, lineterm="", n=context)
    return [part for row in rows for part in row.split("\n")]


def _header(side: str, entry: Mapping[str, Any]) -> str:
    name = entry.get(f"{side}_header")
    return f"{side}: {name}" if name else side


def _lines(side: Any) -> list[str]:
    """One side's lines; data is compared as JSON. Only newlines end a line: files may hold other separators."""
    if side is None or side == "":
        return []
    text = side if isinstance(side, str) else json.dumps(side, indent=4, sort_keys=True, default=str) + "\n"
    lines = text.split("\n")
    last = lines.pop()
    return [*lines, f"{last}\n{NO_NEWLINE}"] if last else lines
