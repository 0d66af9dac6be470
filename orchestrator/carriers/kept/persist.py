"""How long a line is kept, as ssh's options for sharing connections say it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.durations import seconds

OPTIONS = frozenset({"controlmaster", "controlpath", "controlpersist"})
"""Taken from Ansible's variables and settings alone: in ~/.ssh/config they speak of ssh's own sockets."""
LONGEST_S = 3600.0
"""What "without end" comes to. ssh means it; nobody waits for a process that a run has left behind."""


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
