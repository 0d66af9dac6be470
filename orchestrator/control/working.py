"""A worker over a Control: what `orch worker` is, and what `orch serve` has within it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from orchestrator.control.control import Control, open_control
from orchestrator.runs.worker import Worker, WorkerOptions


def worker_of(options: WorkerOptions) -> Worker:
    """Not started yet. Its threads open Controls of their own."""
    @contextmanager
    def opened() -> Iterator[Control]:
        control = open_control(options.state_dir, options.store_url)
        try:
            yield control
        finally:
            control.close()

    def room() -> AbstractContextManager[Control]:
        return opened()

    return Worker(room, options)
