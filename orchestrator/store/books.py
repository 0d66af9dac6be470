"""What every service of the control plane shares: one connection, the master key, the clock, the audit trail."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec import Struct

from orchestrator.refusals import NotFound, Stale
from orchestrator.security.master import MasterKey
from orchestrator.store.audit import Audit
from orchestrator.store.database import Database
from orchestrator.store.table import Table

Clock = Callable[[], datetime]
RecordT = TypeVar("RecordT", bound=Struct)
MOST_PER_PAGE = 200


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_id() -> str:
    """An id that nobody can guess and no two processes share: 16 hex digits."""
    return secrets.token_hex(8)


class Books:
    """For one thread at a time; a process has one for each of its threads, and all of them the same master key."""

    def __init__(self, database: Database, master: MasterKey, clock: Clock = utc_now) -> None:
        self.database = database
        self.master = master
        self.clock = clock
        self.audit = Audit(database, clock)

    def table(self, name: str, record: type[RecordT]) -> Table[RecordT]:
        return Table(self.database, name, record)

    def transaction(self) -> AbstractContextManager[None]:
        """Commits at the end, or takes everything back. Not to be nested."""
        return self.database.transaction()

    def seal(self, purpose: str, key: str, value: Mapping[str, Any]) -> bytes:
        """``value`` encrypted for one row: it opens for the same purpose and key only."""
        return self.master.seal(json.dumps(value).encode(), f"{purpose}:{key}")

    def unseal(self, purpose: str, key: str, sealed: bytes) -> dict[str, Any]:
        """What `seal` was given. Raises `StoreError` when it was altered or belongs elsewhere."""
        opened: dict[str, Any] = json.loads(self.master.open(sealed, f"{purpose}:{key}"))
        return opened

    def hashed(self, purpose: str, token: str) -> str:
        """How a token is kept: keyed, so that whoever can write to the database lets nobody in."""
        return self.master.derive(purpose, token).hex()


def found(record: RecordT | None, what: str, name: str) -> RecordT:
    """The record, or `NotFound` in words: ``there is no schedule 'nightly'``."""
    if record is None:
        raise NotFound(f"there is no {what} {name!r}")
    return record


def refuse_stale(version: int, expected: int | None, what: str) -> None:
    """Raises `Stale` when ``expected`` (of If-Match; None: not asked) is not the version that is stored."""
    if expected is not None and expected != version:
        raise Stale(f"somebody has changed this {what} since you read it", hint="read it again, and repeat your change")
