"""Versions of the schema, and how a new SQLite database gets it without SQLAlchemy."""

from __future__ import annotations

from pathlib import Path

from orchestrator.errors import StoreError

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""Every migration in order; a test keeps this equal to the folder of migrations."""
HEAD = REVISIONS[-1]


def create_script() -> str:
    """SQL that makes an empty SQLite database the newest schema; a test keeps it equal to what migrations make."""
    return Path(__file__).with_name("schema_sqlite.sql").read_text("utf-8")  # importlib.resources takes 9 ms to import


def check_revision(found: str, where: str) -> bool:
    """True for the newest schema, False for one that needs migrating; raises `StoreError` for one from the future."""
    if found == HEAD:
        return True
    if found in REVISIONS:
        return False
    raise StoreError(
        f"the store has schema {found}, this program knows only up to {HEAD}: {where}", code="store_newer",
        hint="it was written by a newer orch: upgrade this one, or name another store with --store",
    )
