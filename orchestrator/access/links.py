"""Links that are good once: the first admin's, a password to be set anew, the way to an identity provider and back."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from orchestrator.refusals import Unidentified
from orchestrator.store.books import Books

FIRST, RESET, OIDC = "first", "reset", "oidc"


class Link(Struct):
    token_hash: str
    kind: str
    user_id: str | None
    sealed: bytes
    created: datetime
    expires: datetime
    used: datetime | None


class Links:
    def __init__(self, books: Books) -> None:
        self._books = books
        self._rows = books.table("login_links", Link)

    def make(self, kind: str, user_id: str | None, valid_s: float, values: dict[str, Any] | None = None,
             token: str | None = None) -> str:
        """The token of a new link, within the caller's transaction. Of a user's links of a kind the last is good."""
        token = token or secrets.token_urlsafe(32)
        now, hashed = self._books.clock(), self._hashed(kind, token)
        if user_id is not None:
            self._rows.delete('"user_id" = ? AND "kind" = ?', user_id, kind)
        self._rows.insert({
            "token_hash": hashed, "kind": kind, "user_id": user_id,
            "sealed": self._books.seal("login-link", hashed, values or {}), "created": now,
            "expires": now + timedelta(seconds=valid_s), "used": None})
        return token

    def look(self, kind: str, token: str) -> Link:
        """The link, which stays good. Raises `Unidentified` when it is not."""
        row = self._rows.find('"token_hash" = ? AND "kind" = ?', self._hashed(kind, token), kind)
        return self._checked(row)

    def use(self, kind: str, token: str) -> tuple[Link, dict[str, Any]]:
        """Use it up, within the caller's transaction; of two at once, one. Raises `Unidentified`."""
        hashed = self._hashed(kind, token)
        row = self._checked(self._rows.find('"token_hash" = ? AND "kind" = ?', hashed, kind, lock=True))
        if not self._rows.change({"used": self._books.clock()}, '"token_hash" = ? AND "used" IS NULL', hashed):
            raise _bad("used")
        return row, self._books.unseal("login-link", hashed, row.sealed)

    def drop(self, user_id: str) -> None:
        """All of a user's links, within the caller's transaction."""
        self._rows.delete('"user_id" = ?', user_id)

    def forget(self) -> int:
        return self._rows.delete('"expires" <= ?', self._books.clock() - timedelta(days=1))

    def _checked(self, row: Link | None) -> Link:
        if row is None:
            raise _bad("unknown")
        if row.used is not None:
            raise _bad("used")
        if row.expires <= self._books.clock():
            raise _bad("expired")
        return row

    def _hashed(self, kind: str, token: str) -> str:
        return self._books.hashed(f"login-link-{kind}", token)


_WORDS = {"unknown": "this link is not known here", "used": "this link has been used",
          "expired": "this link is too old"}


def _bad(why: str) -> Unidentified:
    return Unidentified(_WORDS[why], code=f"link_{why}",
                        hint="an admin makes a new one; on the server: orch users passwd NAME --link")
