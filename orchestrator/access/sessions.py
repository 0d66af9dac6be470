"""Sessions: a random id in a cookie, of which only a keyed hash is stored."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from msgspec import Struct

from orchestrator.access.identities import Identities
from orchestrator.access.records import NewSession, Session, User, Visitor
from orchestrator.access.rights import Identity
from orchestrator.refusals import NotFound, Unidentified
from orchestrator.store.books import Books

IDLE = timedelta(hours=8)
LIFETIME = timedelta(days=7)
SEEN_EVERY = timedelta(minutes=1)
MOST_PER_USER = 50
LONGEST_AGENT = 200


class SessionRow(Struct):
    id_hash: str
    user_id: str
    csrf_hash: str
    address: str
    user_agent: str
    created: datetime
    seen: datetime
    expires: datetime


class Sessions:
    def __init__(self, books: Books) -> None:
        self._books = books
        self._rows = books.table("sessions", SessionRow)
        self._identities = Identities(books)

    def begin(self, user: User, address: str = "", user_agent: str = "", before: str = "") -> NewSession:
        """A new session, within the caller's transaction. ``before``: the one it replaces; no id outlives a login."""
        now, secret = self._books.clock(), secrets.token_urlsafe(32)
        if before:
            self.end(before)
        csrf = self._csrf(secret)
        self._rows.insert({
            "id_hash": self._hashed(secret), "user_id": user.id, "csrf_hash": self._books.hashed("csrf", csrf),
            "address": address, "user_agent": _printable(user_agent), "created": now, "seen": now,
            "expires": now + LIFETIME})
        for row in self._rows.all('"user_id" = ? ORDER BY "seen" DESC', user.id)[MOST_PER_USER:]:
            self._rows.delete('"id_hash" = ?', row.id_hash)
        return NewSession(secret, csrf, now + LIFETIME, user)

    def identify(self, secret: str, address: str = "") -> Visitor:
        """Who it is. Raises `Unidentified` when the session or its user is no more."""
        now = self._books.clock()
        row = self._rows.find('"id_hash" = ?', self._hashed(secret))
        csrf = self._csrf(secret)
        if row is None or row.csrf_hash != self._books.hashed("csrf", csrf):
            raise Unidentified("this session is over", code="session_over", hint="log in again")
        if row.expires <= now or now - row.seen >= IDLE:
            self._rows.delete('"id_hash" = ?', row.id_hash)
            raise Unidentified("this session is over", code="session_over", hint="log in again")
        identity, user = self._identities.identity(row.user_id, "session", address=address)
        if now - row.seen >= SEEN_EVERY:
            self._rows.change({"seen": now, "address": address or row.address}, '"id_hash" = ?', row.id_hash)
        return Visitor(identity, csrf, user.must_change_password)

    def end(self, secret: str) -> None:
        self._rows.delete('"id_hash" = ?', self._hashed(secret))

    def end_all(self, user_id: str, but: str = "") -> int:
        """Within the caller's transaction. ``but``: the secret of the one that stays."""
        return self._rows.delete('"user_id" = ? AND "id_hash" <> ?', user_id, self._hashed(but) if but else "")

    def own(self, by: Identity, this: str = "") -> list[Session]:
        """The sessions of whoever asks, the newest first."""
        now, here = self._books.clock(), self._hashed(this) if this else ""
        rows = self._rows.all('"user_id" = ? AND "expires" > ? AND "seen" > ? ORDER BY "seen" DESC',
                              by.user_id, now, now - IDLE)
        return [Session(self._shown(row), row.address, row.user_agent, row.created, row.seen, row.expires,
                        row.id_hash == here) for row in rows]

    def end_own(self, by: Identity, session_id: str) -> None:
        """Raises `NotFound` for another's."""
        for row in self._rows.all('"user_id" = ?', by.user_id):
            if secrets.compare_digest(self._shown(row).encode(), session_id.encode()):
                with self._books.transaction():
                    self._rows.delete('"id_hash" = ?', row.id_hash)
                    self._books.audit.write(by.name, "session.end", session_id, address=by.address)
                return
        raise NotFound(f"there is no session {session_id!r}")

    def forget(self) -> int:
        """Delete those that are over."""
        now = self._books.clock()
        return self._rows.delete('"expires" <= ? OR "seen" <= ?', now, now - IDLE)

    def _hashed(self, secret: str) -> str:
        return self._books.hashed("session", secret)

    def _csrf(self, secret: str) -> str:
        """Follows from the session's secret, so that the page may show it at any time; it does not tell the secret."""
        return self._books.hashed("csrf-token", secret)

    def _shown(self, row: SessionRow) -> str:
        return self._books.hashed("session-name", row.id_hash)[:16]


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text[:LONGEST_AGENT])
