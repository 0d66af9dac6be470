"""Names that others' hosts have: whoever may edit one inventory comes to no other host by calling one of its own so.

What is known of a host, its agentlet and its lock go by its name, over all inventories.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from orchestrator.access import rights
from orchestrator.access.rights import Identity
from orchestrator.agents.records import REMOVED
from orchestrator.refusals import Conflict
from orchestrator.store.books import Books
from orchestrator.store.table import marks

if TYPE_CHECKING:
    from orchestrator.projects.inventories import Inventories

CHANGE = "inventory.change"
AT_ONCE = 500
MOST_NAMED = 5


def refuse_taken(books: Books, inventories: Inventories, by: Identity, names: Sequence[str]) -> None:
    """Raises `Conflict` for hosts that an agentlet or an inventory has where ``by`` may not change them.

    Whoever may change all inventories may put a host into several.
    """
    if rights.may(by, CHANGE):
        return
    taken = sorted(_known(books, names) - _own(books, inventories, by, names))
    if taken:
        named = ", ".join(taken[:MOST_NAMED]) + (" …" if len(taken) > MOST_NAMED else "")
        raise Conflict(f"others have hosts of these names: {named}", code="host_taken",
                       hint="give yours other names, or ask an admin to put them in")


def _known(books: Books, names: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for part, values in _parts(books, names):
        for sql in (f'SELECT "name" FROM inventory_hosts WHERE "name" IN ({part})',
                    f"""SELECT "host" FROM agents WHERE "state" <> '{REMOVED}' AND "host" IN ({part})"""):
            found |= {str(name) for (name,) in books.database.select(sql, values)}
    return found


def _own(books: Books, inventories: Inventories, by: Identity, names: Sequence[str]) -> set[str]:
    own: set[str] = set()
    for inventory_id in {grant.scope_id for grant in by.grants if grant.kind == rights.INVENTORY}:
        there = {str(name) for part, values in _parts(books, names) for (name,) in books.database.select(
            f'SELECT "name" FROM inventory_hosts WHERE "name" IN ({part}) AND "inventory_id" = ?',
            (*values, inventory_id))}
        own |= {host.name for host in inventories.targets(inventory_id, sorted(there))
                if rights.may(by, CHANGE, rights.Target(inventory_id, (host,)))}
    return own


def _parts(books: Books, names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Marks and values of some names at a time: databases bound how many one question has."""
    write = books.database.write["text"]
    for start in range(0, len(names), AT_ONCE):
        part = names[start:start + AT_ONCE]
        yield marks(part), tuple(write(name) for name in part)
