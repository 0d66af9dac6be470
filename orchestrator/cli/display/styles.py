"""Words, marks and colours of states, the same in every view for people. A word always stands beside its colour."""

from __future__ import annotations

from collections.abc import Sequence

STYLES = {"ok": "green", "changed": "yellow", "skipped": "cyan", "failed": "bold red", "unreachable": "bold red",
          "cancelled": "magenta", "interrupted": "magenta", "lost": "magenta", "rescued": "green", "ignored": "blue"}
MARKS = {"ok": "✓", "changed": "~", "skipped": "·", "rescued": "✓", "ignored": "!"}
"""What is none of these has gone wrong: ✗."""
WORST_FIRST = ("unreachable", "failed", "lost", "interrupted", "cancelled", "changed", "rescued", "ignored", "ok",
               "skipped")
GOOD = frozenset({"ok", "changed", "skipped"})


def named(hosts: Sequence[str], most: int = 4) -> str:
    """``web1, web2 and 198 more``: a list of hosts that stays short."""
    if len(hosts) <= most + 1:  # naming the last one is no longer than counting it
        return ", ".join(hosts)
    return f"{', '.join(hosts[:most])} and {len(hosts) - most} more"
