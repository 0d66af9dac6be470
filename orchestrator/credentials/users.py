"""What needs a credential: it must not go before them."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.store.books import Books


def users_of(books: Books, credential_id: str) -> list[str]:
    """Projects, schedules and waiting runs that name it, in words."""
    select = books.database.select
    projects = select('SELECT "name" FROM projects WHERE "credential_id" = ? ORDER BY "name"', (credential_id,))
    found = [f"project {name!r}" for (name,) in projects]
    schedules = select('SELECT "name", "request" FROM schedules ORDER BY "name"')
    found += [f"schedule {name!r}" for name, request in schedules if _names(request, credential_id)]
    waiting = select("""SELECT l."run_id", l."request" FROM launches l JOIN runs r ON r."id" = l."run_id"
                     WHERE r."status" = 'queued'""")
    return found + [f"run {run_id}" for run_id, request in waiting if _names(request, credential_id)]


def _names(request: Any, credential_id: str) -> bool:
    asked = json.loads(request) if isinstance(request, str) else request
    return credential_id in (asked.get("credential_ids") or ())
