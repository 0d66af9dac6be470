"""What databases say when they refuse, in words for a person, with what to do."""

from __future__ import annotations

from orchestrator.errors import StoreError

_SQLITE = (
    ("is locked", "locked", "the store is locked by another process", "wait for it to end; `fuser FILE` shows it"),
    ("disk is full", "disk_full", "the disk of the store is full", "free some space, then `orch run --resume RUN`"),
    ("disk I/O error", "disk", "the disk of the store failed", "look at the system's log; move the store elsewhere"),
    ("readonly database", "read_only", "the store is read-only", "check owner and mode of the file and its folder"),
    ("unable to open", "unopened", "the store cannot be opened", "check that the folder exists and may be entered"),
    ("not a database", "corrupt", "the file is not a store", "move it away, or name another with --store"),
    ("malformed", "corrupt", "the store is damaged", "try `sqlite3 FILE .recover`, or move it away and begin anew"),
    ("FOREIGN KEY", "run_unknown", "results of a run that is not in the store", "start_run comes first"),
    ("no such table", "schema", "the store lacks a table", "it is not a store of orch, or was changed by hand"),
)


def from_sqlite(error: Exception, where: str) -> StoreError:
    """The fault behind an ``sqlite3.Error``; its own text is kept, since it names no values."""
    text = str(error)
    for mark, code, sentence, hint in _SQLITE:
        if mark in text:
            return StoreError(f"{sentence}: {where}", code=f"store_{code}", hint=hint.replace("FILE", where))
    return StoreError(f"the store refused: {text} ({where})")


def from_postgres(error: Exception, where: str) -> StoreError:
    """The fault behind a ``psycopg.Error``. Only the primary message: details may hold a row's values."""
    state = getattr(error, "sqlstate", None) or ""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    text = primary or (str(error).splitlines() or ["no answer"])[0]
    code, hint = _postgres_hint(state)
    return StoreError(f"the store refused: {text} ({where})", code=code, hint=hint)


def _postgres_hint(state: str) -> tuple[str, str]:
    if state.startswith("53"):
        return "store_disk_full", "the server is out of disk, memory or connections"
    if state.startswith("28"):
        return "store_login", "check user and password; a password file (~/.pgpass) keeps it out of the URL"
    if state == "3D000":
        return "store_unopened", "create it first: createdb NAME"
    if state in ("25006", "42501"):
        return "store_read_only", "this user or server may not write"
    if state.startswith("55") or state == "57014":
        return "store_locked", "another session holds a lock; look at pg_stat_activity"
    return "store", "check that the server runs and is reachable"
