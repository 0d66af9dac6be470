"""A desk or a post from the project's state directory: store, master key and authority where `orch` has them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.agents.desk import Desk
from orchestrator.agents.office import Clock, utc_now
from orchestrator.agents.post import Post
from orchestrator.agents.records import Timing
from orchestrator.errors import UsageError
from orchestrator.security.master import FILE, VARIABLE, MasterKey
from orchestrator.store.database import Database, database_for
from orchestrator.store.state import ensure

if TYPE_CHECKING:
    from orchestrator.security.ca import CertificateAuthority

Opened = tuple[Post, Database]
CA_FOLDER = "ca"


def open_desk(state_dir: Path, store_url: str | None = None, *, clock: Clock = utc_now,
              timing: Timing | None = None) -> Desk:
    """A desk on a connection of its own. `Desk.close` first, then ``desk.database.close()``."""
    def authority() -> CertificateAuthority:
        from orchestrator.security.ca import CertificateAuthority

        return CertificateAuthority(state_dir / CA_FOLDER, clock)

    ensure(state_dir)
    database = _opened(state_dir, store_url)
    return Desk(database, _master(state_dir, database), authority, clock, timing)


def open_post(state_dir: Path, store_url: str | None = None, master: MasterKey | None = None) -> Opened:
    """A post and its connection, which the caller closes. ``master``: None for the one of the state directory."""
    ensure(state_dir)
    database = _opened(state_dir, store_url)
    return Post(database, master or _master(state_dir, database)), database


def _master(state_dir: Path, database: Database) -> MasterKey:
    """A new key is made only where it locks nobody out: a restored store needs the one it was used with."""
    there = (state_dir / FILE).exists() or bool(os.environ.get(VARIABLE))
    used_by = None if there else _used_by(database)
    if used_by is not None:
        database.close()
        raise UsageError(f"the master key is missing, and {used_by}: {state_dir / FILE}",
                         code="master_key",
                         hint=f"restore it from your backup, or name it with {VARIABLE}; without it each host must be"
                              " invited anew, after its agentlet was removed from the store")
    return MasterKey.load_or_create(state_dir)


def _used_by(database: Database) -> str | None:
    """Who would be locked out by another key than the one that this store is used with, in words."""
    for table, words in (("agents", "agentlets are enrolled"), ("users", "the store has users")):
        if database.select(f"SELECT 1 FROM {table} LIMIT 1"):
            return words
    return None


def _opened(state_dir: Path, store_url: str | None) -> Database:
    database = database_for(store_url or str(state_dir / "orch.db"))
    database.open()
    return database
