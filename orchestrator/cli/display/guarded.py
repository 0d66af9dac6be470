"""A fault in a display ends the display, never the run: hosts come first, and `orch runs show` knows everything."""

from __future__ import annotations

import sys
import traceback

from orchestrator.cli.display import Display
from orchestrator.events import Event


class Guarded:
    """Hands events on until the display fails; then goes on with plain lines, and says why."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._fallen = False

    def on(self, event: Event) -> None:
        try:
            self._display.on(event)
        except Exception:
            self._fall(event)

    def close(self) -> None:
        self._display.close()

    def _fall(self, event: Event) -> None:
        if self._fallen:
            return
        self._fallen = True
        self._display.close()
        sys.stderr.write(traceback.format_exc())
        sys.stderr.write("[WARNING]: the display failed, the run goes on; please report this\n")
        from orchestrator.cli.display.plain import PlainDisplay

        self._display = PlainDisplay(sys.stdout, sys.stderr)
        self.on(event)
