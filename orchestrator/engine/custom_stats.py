"""What ``set_stats`` collects for the end of a run: by host, or for the run as a whole. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

RUN = "_run"
"""The entry for what belongs to no single host."""
Collected = dict[str, dict[str, Any]]


def collect(stats: Collected, hosts: Iterable[str], told: Mapping[str, Any]) -> None:
    """Add what one result tells (its ``ansible_stats``) to ``stats``."""
    for owner in hosts if told.get("per_host") else [RUN]:
        known = stats.setdefault(owner, {})
        for name, value in (told.get("data") or {}).items():
            known[name] = _joined(known[name], value) if told.get("aggregate") and name in known else value


def _joined(known: Any, value: Any) -> Any:
    """Numbers are added, lists and texts put behind each other, mappings merged; another type leaves what is there."""
    if type(known) is not type(value):
        return known
    if isinstance(known, Mapping):
        return {**known, **{n: _joined(known[n], v) if isinstance(v, Mapping) and n in known else v
                            for n, v in value.items()}}
    try:
        return known + value
    except TypeError:
        return known
