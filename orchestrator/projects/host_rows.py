"""The rows of the fleet: one for each host that any inventory, agentlet or run knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from orchestrator.store.database import Database
from orchestrator.store.table import marks

COLUMNS = ('"host", "last_run_id", "last_status", "last_message", "last_carrier", "drift_run_id", "drift_changes",'
           ' "facts", "last_run", "last_ok", "drift_seen", "facts_seen"')
EMPTY = "NULL, NULL, '', '', NULL, NULL, '{}', NULL, NULL, NULL, NULL"
AT_ONCE = 500
_MISSING = {
    "inventory_hosts": 'SELECT DISTINCT h."name" FROM inventory_hosts h WHERE h."enabled"'
                       ' AND NOT EXISTS (SELECT 1 FROM host_states s WHERE s."host" = h."name")',
    "agents": """SELECT DISTINCT a."host" FROM agents a WHERE a."state" = 'active'"""
              ' AND NOT EXISTS (SELECT 1 FROM host_states s WHERE s."host" = a."host")',
}


def ensure_rows(database: Database, hosts: Iterable[str]) -> None:
    """A row for each of these hosts, within the transaction that is open; those that are there stay as they are."""
    text = database.write["text"]
    database.insert(f"INSERT INTO host_states ({COLUMNS}) VALUES (?, {EMPTY}) ON CONFLICT (\"host\") DO NOTHING",
                    [(text(host),) for host in sorted(set(hosts))])


def missing_rows(database: Database) -> list[str]:
    """Hosts of inventories and agentlets that have no row yet."""
    return [str(name) for sql in _MISSING.values() for (name,) in database.select(sql)]


def drop_rows(database: Database, hosts: Sequence[str]) -> None:
    """Within a transaction: hosts that no inventory has any more, no agentlet and no run, leave the fleet."""
    for part in _parts(hosts):
        database.execute(
            f'DELETE FROM host_states WHERE "host" IN ({marks(part)}) AND "last_run" IS NULL'
            ' AND NOT EXISTS (SELECT 1 FROM inventory_hosts h WHERE h."name" = host_states."host")'
            """ AND NOT EXISTS (SELECT 1 FROM agents a WHERE a."host" = host_states."host" AND a."state" = 'active')""",
            tuple(database.write["text"](host) for host in part))


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), AT_ONCE):
        yield values[start:start + AT_ONCE]
