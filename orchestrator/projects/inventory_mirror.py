"""What an inventory of files lists, as rows: names of hosts, groups and who is in which, without variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.projects.host_rows import drop_rows, ensure_rows
from orchestrator.store.books import Books
from orchestrator.store.table import marks

if TYPE_CHECKING:
    from inventory import Inventory

AT_ONCE = 500


def mirror(books: Books, inventory_id: str, loaded: Inventory) -> int:
    """Make the rows say what ``loaded`` does; returns the number of hosts. One transaction."""
    database, now = books.database, books.clock()
    text, json, moment = (database.write[kind] for kind in ("text", "json", "time"))
    hosts = {name for name, host in loaded.hosts.items() if not host.implicit}
    groups: list[tuple[Any, ...]] = [
        (text(inventory_id), text(name), json({}), json([host for host in group.hosts if host in hosts]),
         json(list(group.children)), 1, moment(now))
        for name, group in sorted(loaded.groups.items()) if name not in ("all", "ungrouped")]
    with books.transaction():
        there = {str(name) for (name,) in database.select(
            'SELECT "name" FROM inventory_hosts WHERE "inventory_id" = ?', (inventory_id,))}
        gone, fresh = sorted(there - hosts), sorted(hosts - there)
        for start in range(0, len(gone), AT_ONCE):
            part = gone[start:start + AT_ONCE]
            database.execute(f'DELETE FROM inventory_hosts WHERE "inventory_id" = ? AND "name" IN ({marks(part)})',
                             (inventory_id, *map(text, part)))
        database.insert('INSERT INTO inventory_hosts ("inventory_id", "name", "vars", "enabled", "version", "created")'
                        ' VALUES (?, ?, ?, ?, ?, ?)',
                        [(text(inventory_id), text(name), json({}), True, 1, moment(now)) for name in fresh])
        database.execute('DELETE FROM inventory_groups WHERE "inventory_id" = ?', (inventory_id,))
        database.insert('INSERT INTO inventory_groups ("inventory_id", "name", "vars", "hosts", "children", "version",'
                        ' "created") VALUES (?, ?, ?, ?, ?, ?, ?)', groups)
        ensure_rows(database, fresh)
        drop_rows(database, gone)
    return len(hosts)
