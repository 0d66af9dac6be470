"""Displays: each takes the engine's events and shows them to somebody: a person, a script, a program."""

from __future__ import annotations

import os
import sys
from typing import Protocol, TextIO

from orchestrator.events import Event


class Display(Protocol):
    """Takes events in order. `on` never raises for what an event holds; `close` is called once, whatever happened."""

    def on(self, event: Event) -> None: ...

    def close(self) -> None: ...


def display_for(*, as_json: bool, verbosity: int, diff: bool, plain: bool = False) -> Display:
    """JSON lines when asked for; a live view when a person looks on; plain lines, as Ansible prints, otherwise."""
    if as_json:
        from orchestrator.cli.display.jsonl import JsonLines

        return JsonLines(sys.stdout)
    if verbosity == 0 and not plain and _can_move(sys.stdout):
        from orchestrator.cli.display.live import LiveDisplay

        return LiveDisplay(diff=diff)
    from orchestrator.cli.display.plain import PlainDisplay

    return PlainDisplay(sys.stdout, sys.stderr, verbosity=verbosity, diff=diff)


def _can_move(stream: TextIO) -> bool:
    """Whether this is a terminal that takes back lines and knows the marks."""
    encoding = (stream.encoding or "").lower().replace("-", "")
    return stream.isatty() and encoding == "utf8" and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")
