"""A process that does what a server's clock does: python -m tests.scheduling.ticking STATE URL. Its test kills it."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from orchestrator.security.master import MasterKey
from orchestrator.store.books import utc_now
from tests.agents.conftest import Clock
from tests.scheduling.conftest import Process


class RealClock(Clock):
    def __call__(self) -> datetime:
        return utc_now()


if __name__ == "__main__":
    process = Process(sys.argv[2], MasterKey.load_or_create(Path(sys.argv[1])), RealClock())
    while True:
        process.clockwork.tick()
        print("tick", flush=True)
