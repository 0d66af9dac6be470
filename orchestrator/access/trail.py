"""The audit trail as admins read it: filtered, by pages, and whole for export."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from orchestrator.access import rights
from orchestrator.access.rights import Identity
from orchestrator.store.books import Books
from orchestrator.store.columns import TABLES, quoted, read_row
from orchestrator.store.paging import Order, Page, PageRequest, ordered

SORTS = {"at": ("id",)}
EXPORT_CHUNK = 1_000
COLUMNS = {"id": "int", **TABLES["audit"]}
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the beginning of a cell."""


class AuditEntry(Struct):
    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    outcome: str
    address: str
    detail: dict[str, Any]


class AuditFilter(Struct, frozen=True):
    """``action``: the whole, or ``user.`` for all that begin with it."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    outcome: str | None = None
    address: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def where(self) -> tuple[str, list[Any]]:
        parts, values = ["1 = 1"], []
        for name in ("actor", "subject", "outcome", "address"):
            value = getattr(self, name)
            if value is not None:
                parts.append(f'"{name}" = ?')
                values.append(value)
        if self.action is not None and self.action.endswith("."):
            parts.append('substr("action", 1, ?) = ?')
            values += [len(self.action), self.action]
        elif self.action is not None:
            parts.append('"action" = ?')
            values.append(self.action)
        for sign, moment in ((">=", self.since), ("<", self.until)):
            if moment is not None:
                parts.append(f'"at" {sign} ?')
                values.append(moment)
        return " AND ".join(parts), values


class Trail:
    def __init__(self, books: Books) -> None:
        self._books = books

    def chunk(self, by: Identity, wanted: AuditFilter, after: int) -> list[AuditEntry]:
        """The next 1,000 behind the entry ``after`` (0: from the first), the oldest first: for an export."""
        rights.refuse_unless(by, "audit.view")
        return self._select(Order("at", ("id",), False, EXPORT_CHUNK, (after,)), wanted, EXPORT_CHUNK)

    def note_export(self, by: Identity, form: str) -> None:
        self._books.audit.write(by.name, "audit.export", form, address=by.address)

    def _select(self, order: Order, wanted: AuditFilter, limit: int) -> list[AuditEntry]:
        database = self._books.database
        where, values = wanted.where()
        key, key_values = order.where()
        write = database.write
        plain = [write["time"](value) if isinstance(value, datetime) else value for value in values]
        rows = database.select(
            f"SELECT {quoted(COLUMNS)} FROM audit WHERE {where} AND {key} ORDER BY {order.by()} LIMIT ?",
            [*plain, *key_values, limit])
        return [AuditEntry(**read_row(COLUMNS, row)) for row in rows]

    def list(self, by: Identity, page: PageRequest, wanted: AuditFilter | None = None) -> Page[AuditEntry]:
        """The newest first, unless ``sort`` is ``at``."""
        rights.refuse_unless(by, "audit.view")
        order = ordered(page, SORTS, "-at")
        return order.page(self._select(order, wanted or AuditFilter(), order.limit + 1))


def as_ndjson(entries: Iterable[AuditEntry]) -> bytes:
    return b"".join(msgspec.json.encode(_whole(msgspec.to_builtins(entry))) + b"\n" for entry in entries)


def as_csv(entries: Iterable[AuditEntry], header: bool = False) -> bytes:
    """RFC 4180; a cell that a spreadsheet would take for a formula has a ``'`` before it."""
    text = io.StringIO()
    writer = csv.writer(text)
    if header:
        writer.writerow(AuditEntry.__struct_fields__)
    for one in entries:
        detail = msgspec.json.encode(_whole(one.detail)).decode()
        cells = (one.id, one.at.isoformat(), one.actor, one.action, one.subject, one.outcome, one.address, detail)
        writer.writerow([_harmless(str(cell)) for cell in cells])
    return text.getvalue().encode("utf-8", "backslashreplace")


def _whole(value: Any) -> Any:
    """Halves of characters as ``\\udc80``: no JSON can carry them."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_whole(name): _whole(one) for name, one in value.items()}
    return [_whole(one) for one in value] if isinstance(value, list) else value


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell
