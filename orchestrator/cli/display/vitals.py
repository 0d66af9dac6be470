"""What an agentlet last said of itself and its host, as rows for people. Every value is the host's word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from orchestrator.agents.vitals import Vitals

Row = tuple[str, str]
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def vital_rows(vitals: Vitals | None, now: datetime) -> list[Row]:
    """Load, memory, disk, up time and the agentlet's own size and queue; what else it said by its name."""
    if vitals is None:
        return []
    said = dict(vitals.stats)
    said.pop("version", None)  # has a row of its own
    rows = [("stats", f"of {ago(vitals.at, now)}")]
    for name, make in ROWS:
        text = make(said)
        if text:
            rows.append((name, text))
    return rows + [(f"stat {name}", str(value)) for name, value in sorted(said.items())]


def size(count: float) -> str:
    """``512 B``, ``1.5 GiB``."""
    for unit in UNITS:
        if abs(count) < 1024 or unit == UNITS[-1]:
            break
        count /= 1024
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def ago(moment: datetime | None, now: datetime) -> str:
    """``12 s ago``, ``3 min ago``, ``2 h ago``, ``5 d ago``; ``never``."""
    return "never" if moment is None else f"{span((now - moment).total_seconds())} ago"


def span(seconds: float) -> str:
    """``12 s``, ``3 min``, ``2 h``, ``5 d``."""
    whole = max(int(seconds), 0)
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if whole >= 2 * length:
            return f"{whole // length} {unit}"
    return f"{whole} s"


def _numbers(said: dict[str, Any], *names: str) -> list[float] | None:
    """Takes them out of ``said``, if all are there and are numbers."""
    found = [said.get(name) for name in names]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in found):
        return None
    for name in names:
        del said[name]
    return [float(value) for value in found if value is not None]


def _load(said: dict[str, Any]) -> str:
    loads = _numbers(said, "load_1", "load_5", "load_15")
    processors = _numbers(said, "cpus")
    if loads is None:
        return f"{processors[0]:.0f} processors" if processors else ""
    return " ".join(f"{load:.2f}" for load in loads) + (f" on {processors[0]:.0f} processors" if processors else "")


def _used(total: str, free: str) -> Callable[[dict[str, Any]], str]:
    def make(said: dict[str, Any]) -> str:
        found = _numbers(said, total, free)
        return "" if found is None else f"{size(found[0] - found[1])} of {size(found[0])} used, {size(found[1])} free"

    return make


def _uptime(said: dict[str, Any]) -> str:
    found = _numbers(said, "uptime_s")
    return "" if found is None else span(found[0])


def _own(said: dict[str, Any]) -> str:
    words = []
    if (memory := _numbers(said, "rss_bytes")) is not None:
        words.append(f"{size(memory[0])} of memory")
    if (held := _numbers(said, "held")) is not None:
        words.append(f"{held[0]:.0f} jobs held")
    if (spool := _numbers(said, "spool_bytes")) is not None:
        words.append(f"{size(spool[0])} to be sent")
    return ", ".join(words)


ROWS: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
    ("load", _load), ("memory", _used("memory_bytes", "memory_free_bytes")),
    ("swap", _used("swap_bytes", "swap_free_bytes")), ("disk", _used("disk_bytes", "disk_free_bytes")),
    ("up", _uptime), ("itself", _own),
)
