"""What of a run outlives it: its SSH lines, in a process that stays behind."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    import asyncio

    from orchestrator.carriers.kept.lines import KeptLines


class Staying:
    """Handed to a command by the `orch` program, and by nobody else: who calls a command as a function must not find
    himself in a fork, or his process at its end."""

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None
        self._kept: KeptLines | None = None

    def lines(self) -> KeptLines:
        """For one run."""
        from orchestrator.carriers.kept.lines import KeptLines

        return KeptLines()

    def hold(self, runner: asyncio.Runner, kept: KeptLines) -> None:
        """The run has ended, and left lines; its loop stays as it is until `leave`."""
        self._runner, self._kept = runner, kept

    def leave(self, code: int) -> NoReturn:
        """End the process. The caller's pipes are at their end then, whatever stays behind."""
        runner, kept = self._runner, self._kept
        if runner is not None and kept is not None:
            import signal

            from orchestrator.carriers.kept.fork import stay_behind

            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run is over: there is nothing left to stop
            if _flushed() and stay_behind(runner, kept):
                os._exit(code)
            runner.close()
        if threading.active_count() == 1 and _flushed():
            # What is registered for the end is done; taking a hundred thousand objects apart, too, is 3 ms of nothing.
            atexit._run_exitfuncs()
            os._exit(code)
        sys.exit(code)


def staying() -> Staying | None:
    """The running command's, when it is the program's own."""
    context = click.get_current_context(silent=True)
    return context.find_object(Staying) if context else None


def _flushed() -> bool:
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return False  # nobody reads any more: Python says so in its own way when it ends
    return True
