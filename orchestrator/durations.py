"""Times as people write them: ``90``, ``5m``, ``1h30m``, ``7d``; the format of ssh_config(5)."""

from __future__ import annotations

import re

UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds(text: str) -> float:
    """Seconds, where no unit says otherwise. Raises `ValueError` with a sentence for who wrote it."""
    text = text.strip().lower()
    if not re.fullmatch(r"(\d+[smhdw]?)+", text):
        raise ValueError(f"{text!r} is no time: write seconds, or 5m, 1h")
    return float(sum(int(number) * UNIT_S[unit or "s"] for number, unit in re.findall(r"(\d+)([smhdw]?)", text)))
