"""API tokens: ``orch_`` and 36 characters, the last six a checksum, so that scanners of repositories know one."""

from __future__ import annotations

import secrets
import string
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from orchestrator.access import rights
from orchestrator.access.identities import Identities
from orchestrator.access.records import ApiToken, NewApiToken
from orchestrator.access.rights import SCOPES, Identity
from orchestrator.refusals import Malformed, NotFound, Refused, Unidentified, wrong
from orchestrator.store.books import Books, new_id
from orchestrator.store.paging import Page, PageRequest, page_of

PREFIX = "orch_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM, CHECKSUM = 30, 6
LONGEST_LIFE = timedelta(days=365)
USED_EVERY = timedelta(minutes=1)
MOST_PER_USER = 100
LONGEST_NAME = 100
SORTS = {"created": ("created", "id"), "name": ("name", "id"), "expires": ("expires", "id")}


class _Row(Struct):
    id: str
    user_id: str
    scopes: list[str]
    expires: datetime
    last_used: datetime | None
    revoked: datetime | None


class Tokens:
    def __init__(self, books: Books) -> None:
        self._books = books
        self._rows = books.table("api_tokens", _Row)
        self._records = books.table("api_tokens", ApiToken)
        self._identities = Identities(books)

    def make(self, by: Identity, name: str, scopes: Sequence[str], valid_s: float = 90 * 86_400.0) -> NewApiToken:
        """A token of whoever asks; it is shown this once. Raises `Malformed`."""
        rights.refuse_unless(by, "own.change")
        if by.via == "token":  # what was stolen would outlive its end, and grow
            raise Refused("a token makes no tokens", code="token_by_token", hint="log in, and make it there")
        name = name.strip()
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise wrong("name", f"a token's name has 1 to {LONGEST_NAME} printable characters")
        if not scopes or set(scopes) - set(SCOPES):
            raise wrong("scopes", f"a token's scopes are some of {', '.join(SCOPES)}")
        if not 60 <= valid_s <= LONGEST_LIFE.total_seconds():
            raise wrong("valid_s", "a token is good for a minute at least and a year at most")
        now, token = self._books.clock(), new_token()
        record = ApiToken(new_id(), by.user_id, name, [one for one in SCOPES if one in scopes], now,
                          now + timedelta(seconds=valid_s), None, None)
        with self._books.transaction():
            if self._records.count('"user_id" = ? AND "revoked" IS NULL AND "expires" > ?', by.user_id,
                                   now) >= MOST_PER_USER:
                raise Malformed(f"nobody has more than {MOST_PER_USER} tokens", hint="revoke those that are not used")
            self._records.insert({
                "id": record.id, "user_id": record.user_id, "name": name, "token_hash": self._hashed(token),
                "scopes": record.scopes, "created": now, "expires": record.expires, "last_used": None,
                "revoked": None})
            self._books.audit.write(by.name, "token.make", record.id, address=by.address, name=name,
                                    scopes=record.scopes)
        return NewApiToken(token, record)

    def identify(self, token: str, address: str = "") -> Identity:
        """Who it is. Raises `Unidentified`."""
        if not is_token(token):
            raise Unidentified("this is no API token", code="token_unknown")
        now, row = self._books.clock(), self._rows.find('"token_hash" = ?', self._hashed(token))
        if row is None or row.revoked is not None:
            raise Unidentified("this token is not known here", code="token_unknown")
        if row.expires <= now:
            raise Unidentified("this token has expired", code="token_expired", hint="make a new one")
        identity, user = self._identities.identity(row.user_id, "token", row.scopes, address)
        if user.must_change_password:
            raise Unidentified("the password of this account is to be set first", code="password_change")
        if row.last_used is None or now - row.last_used >= USED_EVERY:
            self._rows.change({"last_used": now}, '"id" = ?', row.id)
        return identity

    def own(self, by: Identity, page: PageRequest) -> Page[ApiToken]:
        return page_of(self._records, page, SORTS, '"user_id" = ?', by.user_id, default="-created")

    def revoke(self, by: Identity, token_id: str) -> None:
        """One's own; an admin anybody's. Raises `NotFound`."""
        rights.refuse_unless(by, "own.change")
        row = self._rows.find('"id" = ?', token_id)
        if row is None or (row.user_id != by.user_id and not rights.may(by, "user.change")):
            raise NotFound(f"there is no token {token_id!r}")
        with self._books.transaction():
            if self._rows.change({"revoked": self._books.clock()}, '"id" = ? AND "revoked" IS NULL', token_id):
                self._books.audit.write(by.name, "token.revoke", token_id, address=by.address)

    def of_user(self, by: Identity, user_id: str, page: PageRequest) -> Page[ApiToken]:
        rights.refuse_unless(by, "user.view")
        return page_of(self._records, page, SORTS, '"user_id" = ?', user_id, default="-created")

    def revoke_all(self, user_id: str) -> int:
        """Within the caller's transaction."""
        return self._rows.change({"revoked": self._books.clock()}, '"user_id" = ? AND "revoked" IS NULL', user_id)

    def _hashed(self, token: str) -> str:
        return self._books.hashed("api-token", token)


def new_token() -> str:
    body = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM))
    return PREFIX + body + checksum(body)


def checksum(body: str) -> str:
    """CRC-32 of the random part, in six digits to the base of 62."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECKSUM):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def is_token(text: str) -> bool:
    """Whether it has a token's form; most of what is not one costs no look into the store."""
    body = text.removeprefix(PREFIX)
    if not text.startswith(PREFIX) or len(body) != RANDOM + CHECKSUM or not body.isascii() or not body.isalnum():
        return False
    return checksum(body[:RANDOM]) == body[RANDOM:]
