"""Alerts: something is wrong until it is right again. Each is opened and told once, whoever sees it."""

from __future__ import annotations

from orchestrator.access.rights import VIEW, Identity, may, refuse_unless
from orchestrator.notify.occasions import Notice, one_line
from orchestrator.notify.outbox import Outbox
from orchestrator.notify.records import Alert
from orchestrator.store.books import Books, found
from orchestrator.store.paging import Page, PageRequest, page_of

SORTS = {"opened": ("opened", "id"), "id": ("id",)}
LONGEST_MESSAGE = 1_000
MOST_ID = 2**63


class Alerts:
    def __init__(self, books: Books, outbox: Outbox) -> None:
        self._books = books
        self._outbox = outbox
        self._alerts = books.table("alerts", Alert)

    def open(self, key: str, notice: Notice, *, tell: bool = True) -> bool:
        """Within the caller's transaction. False, and nothing told, where it is open already.

        ``tell`` False: the caller tells of several at once.
        """
        database = self._books.database
        write = database.write
        message = "; ".join([notice.title, *notice.lines])
        opened = database.execute(
            'INSERT INTO alerts ("key", "kind", "subject", "message", "opened", "closed") VALUES (?, ?, ?, ?, ?, NULL) '
            "ON CONFLICT DO NOTHING",
            (write["text"](key), write["text"](notice.occasion), write["text"](one_line(notice.subject)),
             write["text"](one_line(message, LONGEST_MESSAGE)), write["time"](self._books.clock())))
        if opened != 1:
            return False
        if tell:
            self._outbox.tell(notice)
        return True

    def close(self, key: str, notice: Notice | None = None) -> bool:
        """It is right again: ``notice`` is told if it was open. Within the caller's transaction."""
        closed = self._alerts.change({"closed": self._books.clock()}, '"key" = ? AND "closed" IS NULL', key)
        if closed and notice is not None:
            self._outbox.tell(notice)
        return bool(closed)

    def close_all(self, prefix: str) -> int:
        """Close those whose keys begin so, and tell nobody: what they were about is gone. Within a transaction."""
        return self._alerts.change({"closed": self._books.clock()}, 'substr("key", 1, ?) = ? AND "closed" IS NULL',
                                   len(prefix), prefix)

    def find_open(self, key: str) -> Alert | None:
        return self._alerts.find('"key" = ? AND "closed" IS NULL', key)

    def all_open(self, kind: str) -> list[Alert]:
        return self._alerts.all('"closed" IS NULL AND "kind" = ? ORDER BY "id"', kind)

    def list(self, identity: Identity, page: PageRequest, *, open_only: bool = True,
             kind: str | None = None) -> Page[Alert]:
        """The newest first, where nothing else is asked for. For whoever may see the whole fleet."""
        if not may(identity, VIEW):
            return Page([])
        wanted, values = ['"closed" IS NULL'] if open_only else ["1 = 1"], []
        if kind is not None:
            wanted.append('"kind" = ?')
            values.append(kind)
        return page_of(self._alerts, page, SORTS, " AND ".join(wanted), *values, default="-opened")

    def dismiss(self, identity: Identity, alert_id: int) -> Alert:
        """Closed by hand. It opens again where it is still wrong, as soon as that is seen."""
        refuse_unless(identity, "alert.change")
        with self._books.transaction():
            alert = self._found(alert_id)
            if self._alerts.change({"closed": self._books.clock()}, '"id" = ? AND "closed" IS NULL', alert_id):
                self._books.audit.write(identity.name, "alert.dismiss", alert.subject, address=identity.address,
                                        alert=alert_id)
            return self._found(alert_id)

    def _found(self, alert_id: int) -> Alert:
        row = self._alerts.find('"id" = ?', alert_id) if 0 < alert_id < MOST_ID else None
        return found(row, "alert", str(alert_id))
