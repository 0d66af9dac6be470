"""What agentlets say of themselves and their hosts with each heartbeat: the latest of it, bounded. The host's word."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from msgspec import Struct

from orchestrator.agents.office import Office
from orchestrator.store.table import Table

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST_NAMES = 40
LONGEST_TEXT = 200
LARGEST_NUMBER = 10**18
Value = int | float | str | bool


class Vitals(Struct):
    """``stats``: names to numbers and short texts, as the host gave them: data, never to be rendered."""

    agent_id: str
    at: datetime
    stats: dict[str, Any]


def bounded_stats(said: dict[str, Any]) -> dict[str, Value]:
    """What of a heartbeat's ``stats`` is kept: plain names, numbers that are finite, short texts; 40 at most.

    The rest is left out without a word: a heartbeat keeps jobs alive, whatever else is in it.
    """
    kept: dict[str, Value] = {}
    for name, value in said.items():
        if len(kept) == MOST_NAMES:
            break
        if NAME.fullmatch(name) and (found := _value(value)) is not None:
            kept[name] = found
    return kept


def _value(value: Any) -> Value | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if abs(value) <= LARGEST_NUMBER else None  # nor is anything that is no number
    return value[:LONGEST_TEXT] if isinstance(value, str) else None


class VitalSigns:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._table = Table(office.database, "agent_stats", Vitals)
        self._said: dict[str, tuple[datetime, dict[str, Value]]] = {}

    def keep(self, agent_id: str, said: dict[str, Any]) -> None:
        """Remember it; `write` stores what has gathered, for all at once."""
        stats = bounded_stats(said)
        if stats:
            self._said[agent_id] = self._office.clock(), stats

    def write(self) -> None:
        said, self._said = self._said, {}
        if not said:
            return
        database = self._office.database
        text, time, json = (database.write[kind] for kind in ("text", "time", "json"))
        with database.transaction():
            database.insert(
                'INSERT INTO agent_stats ("agent_id", "at", "stats") VALUES (?, ?, ?)'
                ' ON CONFLICT ("agent_id") DO UPDATE SET "at" = excluded."at", "stats" = excluded."stats"',
                [(text(agent_id), time(at), json(stats)) for agent_id, (at, stats) in sorted(said.items())])

    def latest(self, agent_id: str) -> Vitals | None:
        return self._table.find('"agent_id" = ?', agent_id)
