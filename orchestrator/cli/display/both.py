"""Two displays for one run."""

from __future__ import annotations

from orchestrator.cli.display import Display
from orchestrator.events import Event


class Both:
    """Hands every event to each of them, in order."""

    def __init__(self, *displays: Display) -> None:
        self._displays = displays

    def on(self, event: Event) -> None:
        for display in self._displays:
            display.on(event)

    def close(self) -> None:
        for display in self._displays:
            display.close()
