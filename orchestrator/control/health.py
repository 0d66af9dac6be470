"""How each part of the server is: what `GET /health` tells, and what metrics count."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from orchestrator.errors import StoreError
from orchestrator.store.books import Books

OK, WARN, FAILED = "ok", "warning", "failed"
SILENT = timedelta(seconds=60)
"""A worker or server whose heartbeat is older counts as away."""
LATE = timedelta(minutes=5)
LOW_BYTES, LOW_SHARE = 512 << 20, 0.05


class Part(Struct):
    """``failed`` of any part: the server is not ready."""

    state: str
    message: str = ""
    numbers: dict[str, float] = {}


class Health(Struct):
    state: str
    parts: dict[str, Part]


class HealthChecks:
    def __init__(self, books: Books, state_dir: Path) -> None:
        self._books = books
        self._state_dir = state_dir

    def look(self) -> Health:
        """Each part by itself: what cannot be asked has failed, and the others are still told."""
        checks: dict[str, Callable[[], Part]] = {
            "database": self._database, "disk": self._disk, "workers": self._workers, "scheduler": self._scheduler,
            "gateway": self._gateway}
        parts = {name: self._asked(check) for name, check in checks.items()}
        states = {part.state for part in parts.values()}
        return Health(FAILED if FAILED in states else WARN if WARN in states else OK, parts)

    @staticmethod
    def _asked(check: Callable[[], Part]) -> Part:
        try:
            return check()
        except (StoreError, OSError) as error:
            return Part(FAILED, "cannot be asked: " + type(error).__name__)

    def _database(self) -> Part:
        self._books.database.select("SELECT 1")
        return Part(OK)

    def _disk(self) -> Part:
        usage = shutil.disk_usage(self._state_dir)
        numbers = {"free_bytes": float(usage.free), "total_bytes": float(usage.total)}
        if usage.free < LOW_BYTES or usage.free < usage.total * LOW_SHARE:
            return Part(WARN, "the disk is nearly full", numbers)
        return Part(OK, numbers=numbers)

    def _workers(self) -> Part:
        """Workers that are alive, and runs that wait for one."""
        since = self._books.clock() - SILENT
        alive = self._count("workers", '"heartbeat" >= ?', since)
        queued = self._count("runs", '"status" = ?', "queued")
        running = self._count("runs", '"status" = ?', "running")
        numbers = {"alive": alive, "queued": queued, "running": running}
        if not alive and queued:
            return Part(FAILED, "runs are waiting, and no worker is alive", numbers)
        return Part(OK if alive else WARN, "" if alive else "no worker is alive", numbers)

    def _scheduler(self) -> Part:
        """Schedules that should have been fired by now and were not."""
        late = self._count("schedules", '"state" = ? AND "next_due" < ?', "active", self._books.clock() - LATE)
        active = self._count("schedules", '"state" = ?', "active")
        if late:
            return Part(WARN, "schedules are overdue", {"active": active, "overdue": late})
        return Part(OK, numbers={"active": active, "overdue": 0.0})

    def _gateway(self) -> Part:
        agents = self._count("agents", '"state" = ?', "active")
        seen = self._count("agents", '"last_seen" >= ?', self._books.clock() - LATE)
        return Part(OK, numbers={"enrolled": agents, "online": seen})

    def _count(self, table: str, where: str, *values: Any) -> float:
        database = self._books.database
        plain = [database.write["time"](value) if hasattr(value, "tzinfo") else value for value in values]
        return float(database.select(f"SELECT count(*) FROM {table} WHERE {where}", plain)[0][0])
