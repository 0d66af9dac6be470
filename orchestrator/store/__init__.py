"""What happened, kept: runs, their task results and events, in SQLite or PostgreSQL.

Cheap to import on purpose: SQLModel and Alembic are imported by `tables` and `migrate`, which a run does not need.
"""

from orchestrator.store.records import ENDED, RUNNING, RunRecord, StoredEvent
from orchestrator.store.store import Key, Store

__all__ = ["ENDED", "RUNNING", "Key", "RunRecord", "Store", "StoredEvent"]
