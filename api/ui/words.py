"""Numbers and moments as people read them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from orchestrator.store.books import utc_now

STEPS = ((60, "s"), (3600, "min"), (86_400, "h"), (86_400 * 60, "d"))


def duration(seconds: float | None) -> str:
    """``0.42 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``, ``4 d 3 h``."""
    if seconds is None:
        return ""
    if seconds < 9.95:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """``3 min ago``, ``in 2 h``, ``now``; the day for what is further away than two months."""
    if moment is None:
        return "never"
    seconds = ((now or utc_now()) - moment).total_seconds()
    if abs(seconds) < 5:
        return "now"
    text = _rough(abs(seconds))
    if text is None:
        return moment.strftime("%Y-%m-%d")
    return f"{text} ago" if seconds > 0 else f"in {text}"


def _rough(seconds: float) -> str | None:
    unit = 1
    for limit, name in STEPS:
        if seconds < limit:
            return f"{int(seconds // unit)} {name}"
        unit = limit
    return None


def stamp(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC") if moment else ""


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 host``, ``3 hosts``, ``12 400 hosts``."""
    return f"{number:,}".replace(",", "\u202f") + f" {one if number == 1 else many or one + 's'}"


def plain(value: Any) -> str:
    """A value of a host or of a form in one line."""
    if value is None:
        return ""
    if value is True or value is False:
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(plain(one) for one in value)
    return str(value)


def playbook(paths: Any) -> str:
    """What a run is called: its playbooks; of those that lie somewhere on the server, the files' names."""
    return ", ".join(str(path).rpartition("/")[2] if str(path).startswith("/") else str(path) for path in paths)
