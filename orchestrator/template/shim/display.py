"""``ansible.utils.display``: warnings reach the person; what is for debugging does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

sinks: list[Callable[[str], None]] = []
"""Where warnings go; the last one is that of the engine whose plugin runs."""


class Display:
    verbosity = 0
    columns = 80

    def __init__(self, verbosity: int = 0) -> None:
        self.verbosity = verbosity

    def warning(self, msg: Any, *args: Any, **options: Any) -> None:
        if sinks:
            sinks[-1](str(msg))

    error = deprecated = error_as_warning = warning

    def display(self, *args: Any, **options: Any) -> None:
        """Said nothing: what a plugin prints has no place in a run's output."""

    v = vv = vvv = vvvv = vvvvv = vvvvvv = verbose = debug = banner = display
