"""One JSON object per line for each event: ``event`` names it, the other fields are the event's own.

ASCII throughout, so that no terminal or log is harmed by what a host printed and nothing of it is lost.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, TextIO

from msgspec import Struct

from orchestrator.errors import Origin
from orchestrator.events import Event, ItemDone
from orchestrator.store.text import to_json

_names: dict[type[Struct], tuple[str, tuple[str, ...]]] = {}


def event_object(event: Event) -> dict[str, Any]:
    """An event as plain data. What ``no_log`` hides is hidden here too, the loop item included."""
    name, members = _shape(type(event))
    made: dict[str, Any] = {"event": name}
    for member in members:
        made[member] = _plain(getattr(event, member))
    if isinstance(event, ItemDone) and event.result.no_log:
        made["item"] = None
    return made


def _shape(kind: type[Struct]) -> tuple[str, tuple[str, ...]]:
    shape = _names.get(kind)
    if shape is None:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
        shape = _names[kind] = (name, kind.__struct_fields__)
    return shape


def _plain(value: Any) -> Any:
    if isinstance(value, Origin):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Struct):
        return {name: _plain(getattr(value, name)) for name in _shape(type(value))[1]}
    if isinstance(value, dict) and value and isinstance(next(iter(value.values())), Struct):
        return {name: _plain(part) for name, part in value.items()}
    return value


class JsonLines:
    """Writes each event as it comes. When the reader goes away, the run goes on and nothing more is written."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self._gone = False

    def on(self, event: Event) -> None:
        if self._gone:
            return
        try:
            self.out.write(to_json(event_object(event)) + "\n")
            self.out.flush()
        except (OSError, ValueError):
            self._gone = True

    def close(self) -> None:
        """Nothing is kept open."""
