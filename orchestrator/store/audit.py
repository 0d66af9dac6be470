"""The audit trail: who did what, and what was refused to whom. Written at once; a flood of refusals is counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from orchestrator.store.database import Database
from orchestrator.store.table import Table

OK, REFUSED = "ok", "refused"
REPEATS = timedelta(seconds=60)
"""The same refusal again within this time is only counted: nobody fills the disk by being refused."""
MOST_COUNTED = 10_000
FORGET_EVERY = timedelta(days=1)


class Entry(Struct):
    at: datetime
    actor: str
    action: str
    subject: str
    outcome: str
    address: str
    detail: dict[str, Any]


class _Repeats(Struct):
    since: datetime
    count: int = 0


class Audit:
    """``clock`` gives the server's time; nothing of a detail may be secret."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._table = Table(database, "audit", Entry)
        self._forgot: datetime | None = None
        self._repeats: dict[tuple[str, str, str, str], _Repeats] = {}

    def write(self, actor: str, action: str, subject: str, outcome: str = OK, address: str = "", **detail: Any) -> None:
        """One entry, within the transaction that is open, or on its own."""
        self._table.insert({"at": self._clock(), "actor": actor, "action": action, "subject": subject,
                            "outcome": outcome, "address": address, "detail": detail})

    def refused(self, actor: str, action: str, subject: str, code: str, address: str = "") -> None:
        """A refusal: written the first time, then counted for a minute."""
        now, key = self._clock(), (actor, action, code, address)
        known = self._repeats.get(key)
        if known is not None and now - known.since < REPEATS:
            known.count += 1
            return
        if known is None and len(self._repeats) >= MOST_COUNTED:
            self.flush(all_of_them=True)
        self._settle(key, known)
        self._repeats[key] = _Repeats(now)
        self.write(actor, action, subject, REFUSED, address, code=code)

    def flush(self, all_of_them: bool = False) -> None:
        """Write the counts whose minute is over; ``all_of_them`` at the end of the process."""
        now = self._clock()
        for key, known in list(self._repeats.items()):
            if all_of_them or now - known.since >= REPEATS:
                self._settle(key, known)
                del self._repeats[key]

    def _settle(self, key: tuple[str, str, str, str], known: _Repeats | None) -> None:
        if known is not None and known.count:
            actor, action, code, address = key
            self.write(actor, action, "", REFUSED, address, code=code, again=known.count)

    def entries(self, *, action: str | None = None, limit: int = 100) -> list[Entry]:
        """The latest entries, the newest first."""
        where, values = ('"action" = ?', [action]) if action else ("1 = 1", [])
        return self._table.all(f'{where} ORDER BY "id" DESC LIMIT ?', *values, limit)

    def forget(self, before: datetime) -> int:
        """Delete what is older, once a day at most, and write down that it went.

        The database lets nothing go that is younger than 30 days, counted from the newest entry, and lets nothing be
        changed (migration 0003).
        """
        now = self._clock()
        if self._forgot is not None and now - self._forgot < FORGET_EVERY:
            return 0
        count = self._table.count('"at" < ?', before)
        if count:
            self._forgot = now
            self.write("orch", "audit.forget", "", count=count, before=before.isoformat())
            self._table.delete('"at" < ?', before)
        return count
