"""How long a line is kept, as ssh's options for sharing connections say it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

OPTIONS = frozenset({"controlmaster", "controlpath", "controlpersist"})
"""Taken from Ansible's variables and settings alone: in ~/.ssh/config they speak of ssh's own sockets."""
LONGEST_S = 3600.0
"""What "without end" comes to. ssh means it; nobody waits for a process that a run has left behind."""
UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def persist_s(options: Mapping[str, str]) -> float | None:
    """Seconds; 0 for not at all, None when the options say nothing. Raises `ValueError` for what is no time.

    ``yes`` and ``0`` mean without end, as in ssh_config(5).
    """
    if options.get("controlpath", "").lower() == "none" or options.get("controlmaster", "").lower() in ("no", "false"):
        return 0.0
    word = options.get("controlpersist", "").strip().lower()
    if not word:
        return None
    if word in ("no", "false"):
        return 0.0
    if word in ("yes", "true"):
        return LONGEST_S
    return min(LONGEST_S, seconds(word) or LONGEST_S)


def seconds(text: str) -> float:
    """A time in ssh's format: ``90``, ``5m``, ``1h30m``. Raises `ValueError`."""
    text = text.strip().lower()
    if not re.fullmatch(r"(\d+[smhdw]?)+", text):
        raise ValueError(f"{text!r} is no time: write seconds, or 5m, 1h")
    return float(sum(int(number) * UNIT_S[unit or "s"] for number, unit in re.findall(r"(\d+)([smhdw]?)", text)))
