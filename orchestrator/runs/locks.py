"""One run per host at a time: a run takes all of its hosts at once, or none, and has them until it ends."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from orchestrator.store.books import Clock
from orchestrator.store.database import Database
from orchestrator.store.table import Table, marks

MOST_PER_QUERY = 500


class HostLock(Struct):
    host: str
    run_id: str
    taken: datetime


class HostLocks:
    """Of one connection. Its calls open no transaction, but `take`, which must not be called within one."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._table = Table(database, "host_locks", HostLock)

    def take(self, run_id: str, hosts: Iterable[str]) -> HostLock | None:
        """Have all ``hosts``; returns None then, or else a lock that another run has, and nothing was taken.

        Calling it again for hosts that the run has already does no harm.
        """
        wanted = sorted(set(hosts))  # in one order everywhere: two that take the same never wait for each other
        try:
            with self._database.transaction():
                self._insert(run_id, wanted)
                other = next((lock for lock in self.of(wanted) if lock.run_id != run_id), None)
                if other is not None:
                    raise _Taken(other)
        except _Taken as taken:
            return taken.lock
        return None

    def _insert(self, run_id: str, hosts: list[str]) -> None:
        write, moment = self._database.write, self._clock()
        self._database.insert(
            'INSERT INTO host_locks ("host", "run_id", "taken") VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
            [(write["text"](host), write["text"](run_id), write["time"](moment)) for host in hosts])

    def of(self, hosts: Iterable[str]) -> list[HostLock]:
        """The locks on these hosts."""
        wanted, found = sorted(set(hosts)), []
        for first in range(0, len(wanted), MOST_PER_QUERY):
            part = wanted[first:first + MOST_PER_QUERY]
            found += self._table.all(f'"host" IN ({marks(part)})', *part)
        return found

    def all(self) -> dict[str, str]:
        """Host -> run."""
        return {lock.host: lock.run_id for lock in self._table.all("1 = 1")}

    def release(self, run_id: str) -> int:
        return self._table.delete('"run_id" = ?', run_id)


class _Taken(Exception):
    def __init__(self, lock: HostLock) -> None:
        super().__init__(lock.host)
        self.lock = lock
