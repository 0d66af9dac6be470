"""A signed request is good once, at whichever of the server's processes it arrives."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from orchestrator.agents.office import Office

FORGET_EVERY = timedelta(seconds=60)


class Nonces:
    """In the store, which all processes share, and which outlives them."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._forgot = office.clock()

    def take(self, agent_id: str, nonce: str, until: datetime) -> bool:
        """Whether this is the nonce's first use; asking uses it up. ``until``: its request is believed no longer.

        One statement: of several processes that are asked at once, one says yes.
        """
        database = self._office.database
        write = database.write
        digest = hashlib.sha256(f"{agent_id}\n{nonce}".encode()).hexdigest()
        return database.execute('INSERT INTO nonces ("digest", "expires") VALUES (?, ?) ON CONFLICT DO NOTHING',
                                (write["text"](digest), write["time"](until))) == 1

    def forget(self) -> None:
        """Now and then, drop those whose requests are too old by any server's clock, also by one that is behind."""
        office, now = self._office, self._office.clock()
        if now - self._forgot < FORGET_EVERY:
            return
        self._forgot = now
        margin = timedelta(seconds=office.timing.signature_window_s)
        before = office.database.write["time"](now - margin)
        office.database.execute('DELETE FROM nonces WHERE "expires" < ?', (before,))
