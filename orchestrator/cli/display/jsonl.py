"""One JSON object per line for each event. The field names are the events' own and stay as they are."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import datetime
from typing import Any, TextIO

from orchestrator.engine.events import Event

WORD = re.compile(r"(?<!^)(?=[A-Z])")


class JsonLines:
    """``{"event": "task_done", …}``; the result of a task stands under ``result``."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def on(self, event: Event) -> None:
        fields = {"event": WORD.sub("_", type(event).__name__).lower(), **asdict(event)}
        # ASCII only: a lone surrogate (a byte that was no UTF-8) comes out as \\udcXX and survives any pipe.
        self._out.write(json.dumps(fields, default=_plain) + "\n")
        self._out.flush()

    def close(self) -> None:
        self._out.flush()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)
