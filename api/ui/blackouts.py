"""Blackouts as they are written in a form, a line each. Pure; what is wrong with them, the service says.

    sat,sun 00:00-23:59 weekend
    2026-12-24T12:00+01:00 2027-01-02T00:00+01:00 freeze
"""

from __future__ import annotations

from typing import Any


def read_blackouts(text: str) -> list[dict[str, Any]]:
    return [_read(line) for line in map(str.strip, text.split("\n")) if line]


def _read(line: str) -> dict[str, Any]:
    first, _, rest = line.partition(" ")
    second, _, reason = rest.strip().partition(" ")
    if first[:1].isdigit():
        return {"start": first, "end": second, "reason": reason.strip()}
    begins, _, ends = second.partition("-")
    return {"days": first.lower().split(","), "from": begins, "to": ends, "reason": reason.strip()}


def written_blackout(window: dict[str, Any]) -> str:
    if "start" in window:
        return f"{window['start']} {window.get('end', '')} {window.get('reason', '')}".strip()
    days = ",".join(window.get("days") or ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
    return f"{days} {window.get('from', '')}-{window.get('to', '')} {window.get('reason', '')}".strip()
