"""Pages of a table by keyset: each begins behind the last row of the one before it, however many rows there are.

A cursor is opaque to whoever holds it. It says which sort it belongs to and where it stands: nothing that is secret.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.refusals import Malformed
from orchestrator.store.books import MOST_PER_PAGE
from orchestrator.store.table import Table

ItemT = TypeVar("ItemT")
RecordT = TypeVar("RecordT", bound=Struct)
Sorts = Mapping[str, Sequence[str]]
"""Name of a sort -> its columns. They are never NULL, are fields of the record, and the last makes a row unique."""


class PageRequest(Struct, frozen=True):
    """``sort``: one of the route's sorts, with ``-`` before it the other way round; None: its first."""

    limit: int = 50
    cursor: str | None = None
    sort: str | None = None


class Page(Struct, Generic[ItemT]):
    """``next``: the cursor of the page behind this one; None at the end."""

    items: list[ItemT]
    next: str | None = None


def page_of(table: Table[RecordT], request: PageRequest, sorts: Sorts, where: str = "1 = 1",
            *values: Any, default: str | None = None) -> Page[RecordT]:
    """The page of the rows that match ``where``. Raises `Malformed` for another sort or a cursor of another list.

    ``default``: the sort where none is asked for (``-started``); else the first of ``sorts``.
    """
    order = ordered(request, sorts, default)
    key, key_values = order.where()
    rows = table.all(f"({where}) AND {key} ORDER BY {order.by()} LIMIT ?", *values, *key_values, order.limit + 1)
    return order.page(rows)


def seen_page(table: Table[RecordT], request: PageRequest, sorts: Sorts,
              seen: Callable[[Sequence[RecordT]], Iterable[RecordT]], where: str = "1 = 1", *values: Any,
              default: str | None = None) -> Page[RecordT]:
    """The same, of those rows that ``seen`` lets through: no page is short, and no cursor tells of another row."""
    order, found = ordered(request, sorts, default), list[RecordT]()
    step, most = order, order.limit + 1
    while True:
        key, key_values = step.where()
        rows = table.all(f"({where}) AND {key} ORDER BY {order.by()} LIMIT ?", *values, *key_values, most)
        found += seen(rows)
        if len(rows) < most or len(found) > order.limit:
            return order.page(found)
        step = replace(step, after=tuple(getattr(rows[-1], name) for name in order.columns))
        most = MOST_PER_PAGE


class Order(Struct, frozen=True):
    """For queries that are no `Table`'s: what goes into WHERE and ORDER BY, and the page from limit + 1 rows."""

    name: str
    columns: tuple[str, ...]
    descending: bool
    limit: int
    after: tuple[Any, ...] = ()

    def where(self) -> tuple[str, tuple[Any, ...]]:
        if not self.after:
            return "1 = 1", ()
        names = ", ".join(f'"{name}"' for name in self.columns)
        marks = ", ".join("?" for _ in self.columns)
        return f"({names}) {'<' if self.descending else '>'} ({marks})", self.after

    def by(self) -> str:
        return ", ".join(f'"{name}" {"DESC" if self.descending else "ASC"}' for name in self.columns)

    def page(self, rows: Sequence[ItemT]) -> Page[ItemT]:
        kept = list(rows[:self.limit])
        if len(rows) <= self.limit:
            return Page(kept)
        return Page(kept, self.cursor(*(getattr(kept[-1], name) for name in self.columns)))

    def cursor(self, *key: Any) -> str:
        """Where a page ends whose last row has these values in the sort's columns."""
        text = json.dumps([self.name, *(["t", value.isoformat()] if isinstance(value, datetime) else value
                                        for value in key)], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def ordered(request: PageRequest, sorts: Sorts, default: str | None = None) -> Order:
    """The order that ``request`` asks for. Raises `Malformed`."""
    if not 1 <= request.limit <= MOST_PER_PAGE:
        raise Malformed(f"a page has 1 to {MOST_PER_PAGE} entries", code="limit")
    name = request.sort or default or next(iter(sorts))
    plain = name.removeprefix("-")
    if plain not in sorts:
        raise Malformed(f"this cannot be sorted by {plain!r}", code="sort", hint=f"by {', '.join(sorts)}")
    columns = tuple(sorts[plain])
    after = _opened(request.cursor, name, len(columns)) if request.cursor else ()
    return Order(name, columns, name.startswith("-"), request.limit, after)


def _opened(cursor: str, name: str, count: int) -> tuple[Any, ...]:
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(found, list) or found[0] != name or len(found) != count + 1:
            raise ValueError
        return tuple(_value(one) for one in found[1:])
    except (ValueError, IndexError, RecursionError):
        raise Malformed("this cursor belongs to another list, or is damaged", code="cursor",
                        hint="take it from the answer before, with the same filters and sort") from None


def _value(found: Any) -> Any:
    if isinstance(found, list) and len(found) == 2 and found[0] == "t":
        moment = datetime.fromisoformat(str(found[1]))
        if moment.tzinfo is None:
            raise ValueError
        return moment
    if isinstance(found, str) or (isinstance(found, int) and abs(found) < 2**63):
        return found
    raise ValueError
