"""The workers that there are: each shows itself every two seconds, with what it does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from orchestrator.access.rights import VIEW, Identity, may
from orchestrator.runs.takeover import Seen, dead
from orchestrator.store.books import Books
from orchestrator.store.lease import own_lease
from orchestrator.store.schema import HEAD

UP, LEAVING, GONE, DEAD = "up", "leaving", "gone", "dead"
FORGOTTEN_AFTER_S = 86_400


class Worker(Struct):
    """``state``: up, leaving (takes nothing new), gone (ended by itself), dead (fell silent; it may be back)."""

    id: str
    machine: str
    kind: str
    state: str
    release: str
    pid: int
    capacity: int
    running: list[str]
    started: datetime
    heartbeat: datetime


class Workers:
    def __init__(self, books: Books) -> None:
        self._books = books
        self._table = books.table("workers", Worker)

    def list(self) -> list[Worker]:
        return self._table.all('1 = 1 ORDER BY "id"')

    def seen_by(self, identity: Identity) -> Sequence[Worker]:
        """For whoever may see the whole fleet: each says which runs it has, whosever they are."""
        return self.list() if may(identity, VIEW) else []

    def register(self, worker_id: str, kind: str, capacity: int) -> None:
        """This process is a worker from now on; one that had the same id before was its predecessor."""
        now = self._books.clock()
        row = {"machine": own_lease().host.split("/")[0], "kind": kind, "state": UP, "release": HEAD,
               "pid": os.getpid(), "capacity": capacity, "running": [], "started": now, "heartbeat": now}
        with self._books.transaction():
            if not self._table.change(row, '"id" = ?', worker_id):
                self._table.insert({"id": worker_id, **row})

    def beat(self, worker_id: str, running: Sequence[str], state: str = UP) -> None:
        with self._books.transaction():
            self._table.change({"running": [*running], "heartbeat": self._books.clock(), "state": state}, '"id" = ?',
                               worker_id)

    def is_up(self, worker_id: str) -> bool:
        """Whether it is there, as far as anybody has noted."""
        return self._table.value("state", '"id" = ?', worker_id) in (UP, LEAVING)

    def mark_dead(self, me: str, silent_s: float) -> Sequence[str]:
        """Note which have fallen silent; returns all that are taken for dead. Within a transaction."""
        now = self._books.clock()
        rows = self._table.all('1 = 1 ORDER BY "id"')
        found = dead([Seen(row.id, row.heartbeat, row.state) for row in rows], now, me, silent_s)
        for row in rows:
            if row.id in found and row.state != DEAD:
                self._table.change({"state": DEAD, "running": []}, '"id" = ?', row.id)
                self._books.audit.write("server", "worker.dead", row.id, machine=row.machine, pid=row.pid)
            elif row.state in (GONE, DEAD) and (now - row.heartbeat).total_seconds() > FORGOTTEN_AFTER_S:
                self._table.delete('"id" = ?', row.id)
        return found

    def lock(self) -> None:
        """Within a transaction: be the only one that hands out work, in all processes, until it ends."""
        self._table.all('1 = 1 ORDER BY "id"', lock=True)
