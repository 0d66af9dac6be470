"""What follows when a run has ended: its hosts are free, and everybody who wanted to know is told. Once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from orchestrator.runs.locks import HostLocks
from orchestrator.runs.records import TABLE, Run
from orchestrator.runs.slices import merged_recap, merged_status
from orchestrator.store.books import Books
from orchestrator.store.database import RUNS_CHANNEL
from orchestrator.store.records import ENDED
from orchestrator.store.table import marks

LOG = logging.getLogger("orch.runs")
Hook = Callable[[Run], None]
MOST_AT_ONCE = 50
MOST_TRIES = 3


class Settling(Struct):
    run_id: str
    settled: datetime | None


class Ends:
    """``hooks`` are called with the run that has ended, within the one transaction that settles it.

    So they must open none of their own, and what they write is stored once, or, when one of them raises, not at all:
    then it is tried again, `MOST_TRIES` times in this process; after that the run is settled without that hook.
    """

    def __init__(self, books: Books, hooks: Sequence[Hook] = ()) -> None:
        self._books = books
        self._hooks = list(hooks)
        self._runs = books.table(TABLE, Run)
        self._launches = books.table("launches", Settling)
        self._locks = HostLocks(books.database, books.clock)
        self._failures: dict[tuple[str, int], int] = {}

    def add(self, hook: Hook) -> None:
        self._hooks.append(hook)

    def settle_all(self) -> list[str]:
        """Settle every run that has ended and was not settled; returns their ids. Any process may, at any time."""
        self._merge_slices()
        rows = self._books.database.select(
            'SELECT l."run_id" FROM launches l JOIN runs r ON r."id" = l."run_id" WHERE l."settled" IS NULL'
            f' AND r."status" IN ({marks(ENDED)}) ORDER BY r."ended" LIMIT ?', (*ENDED, MOST_AT_ONCE))
        return [run_id for (run_id,) in rows if self.settle(str(run_id))]

    def settle(self, run_id: str) -> bool:
        """True when the run has ended and this call was the one that settled it."""
        books = self._books
        skipped = {number for (run, number), count in self._failures.items() if run == run_id and count >= MOST_TRIES}
        number = -1
        try:
            with books.transaction():
                row = self._launches.find('"run_id" = ?', run_id, lock=True)
                run = self._runs.find('"id" = ?', run_id)
                if row is None or row.settled is not None or run is None or run.status not in ENDED:
                    return False
                for number, hook in enumerate(self._hooks):
                    if number not in skipped:
                        hook(run)
                number = -1
                self._locks.release(run_id)
                self._launches.change({"settled": books.clock()}, '"run_id" = ?', run_id)
                books.database.notify(run_id, RUNS_CHANNEL)
        except Exception as error:  # a hook of another room: its fault must not keep the hosts from other runs
            if number < 0:
                raise
            self._failures[run_id, number] = self._failures.get((run_id, number), 0) + 1
            LOG.error("run %s: what follows its end failed", run_id, exc_info=error)
            if self._failures[run_id, number] >= MOST_TRIES:
                return self.settle(run_id)
            return False
        return True

    # ---- slices

    def _merge_slices(self) -> None:
        """End every run in slices of which all have ended."""
        rows = self._books.database.select(
            'SELECT p."id" FROM runs p WHERE p."status" = ? AND p."parent_id" IS NULL AND p."slices" > 1 AND EXISTS'
            ' (SELECT 1 FROM runs c WHERE c."parent_id" = p."id") AND NOT EXISTS'
            f' (SELECT 1 FROM runs c WHERE c."parent_id" = p."id" AND c."status" NOT IN ({marks(ENDED)}))',
            ("running", *ENDED))
        for (run_id,) in rows:
            self.merge(str(run_id))

    def merge(self, run_id: str) -> bool:
        """End a run with what its slices came to. False while one of them goes on, or when it was ended before."""
        with self._books.transaction():
            run = self._runs.find('"id" = ?', run_id, lock=True)
            parts = self._runs.all('"parent_id" = ? ORDER BY "slice"', run_id)
            if run is None or run.status in ENDED or not parts or any(part.status not in ENDED for part in parts):
                return False
            ended = max(part.ended or self._books.clock() for part in parts)
            self._runs.change({
                "status": merged_status(part.status for part in parts), "ended": ended, "worker_id": None,
                "recap": merged_recap(part.recap for part in parts),
                "message": next((part.message for part in parts if part.message), "")}, '"id" = ?', run_id)
            self._books.database.notify(run_id, RUNS_CHANNEL)
            return True
