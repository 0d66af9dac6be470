"""Users: made, changed, locked, deleted; there is always an admin who may come in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from orchestrator.access import passwords, rights
from orchestrator.access.grants import Grants
from orchestrator.access.links import FIRST, RESET, Links
from orchestrator.access.records import ACTIVE, LOCKED, User
from orchestrator.access.rights import ROLES, Identity
from orchestrator.access.sessions import Sessions
from orchestrator.access.throttle import Throttle
from orchestrator.access.tokens import Tokens
from orchestrator.refusals import Conflict, NotFound, Refused, wrong
from orchestrator.store.books import Books, new_id, refuse_stale
from orchestrator.store.paging import Page, PageRequest, page_of

NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
LONGEST_TEXT = 200
LOCAL = "local"
RESET_S = 86_400.0
SORTS = {"name": ("name",), "created": ("created", "id"), "role": ("role", "id")}


class Secrets(Struct):
    """What of a user is told to nobody."""

    id: str
    name: str
    email: str
    state: str
    source: str
    password_hash: str | None


class Users:
    def __init__(self, books: Books, grants: Grants, sessions: Sessions, tokens: Tokens, links: Links,
                 throttle: Throttle) -> None:
        self._books = books
        self._grants, self._sessions, self._tokens = grants, sessions, tokens
        self._links, self._throttle = links, throttle
        self._rows = books.table("users", User)
        self._secrets = books.table("users", Secrets)

    # ---- reading

    def list(self, by: Identity, page: PageRequest, *, state: str | None = None, role: str | None = None,
             search: str | None = None) -> Page[User]:
        rights.refuse_unless(by, "user.view")
        where, values = ["1 = 1"], []
        for column, value in (("state", state), ("role", role)):
            if value is not None:
                where.append(f'"{column}" = ?')
                values.append(value)
        if search:
            where.append('("name" LIKE ? ESCAPE \'!\' OR lower("display_name") LIKE ? ESCAPE \'!\')')
            values += [f"%{_literal(search.casefold())}%"] * 2
        return page_of(self._rows, page, SORTS, " AND ".join(where), *values)

    def show(self, by: Identity, user_id: str) -> User:
        """Anybody's for admins, one's own for all. Raises `NotFound`."""
        if user_id != by.user_id and not rights.may(by, "user.view"):
            raise NotFound(f"there is no user {user_id!r}")
        return self.find(user_id)

    def find(self, user_id: str) -> User:
        user = self._rows.find('"id" = ?', user_id)
        if user is None:
            raise NotFound(f"there is no user {user_id!r}")
        return user

    def named(self, name: str) -> User:
        user = self._rows.find('"name" = ?', plain_name(name))
        if user is None:
            raise NotFound(f"there is no user {name!r}", hint="orch users list")
        return user

    def secrets(self, name: str) -> Secrets | None:
        return self._secrets.find('"name" = ?', plain_name(name))

    def has_admin_with_password(self) -> bool:
        """Whether anybody can come in who lets others in."""
        return self._rows.count('"role" = ? AND "state" = ? AND ("password_hash" IS NOT NULL OR "source" <> ?)',
                                "admin", ACTIVE, LOCAL) > 0

    # ---- changing

    def add(self, by: Identity, name: str, role: str = "viewer", *, display_name: str = "", email: str = "",
            password: str | None = None) -> User:
        """A new user; without a password, nobody comes in until a link has set one. Raises `Malformed`, `Conflict`."""
        rights.refuse_unless(by, "user.change")
        name = plain_name(name)
        if not NAME.fullmatch(name):
            raise wrong("name", "a user's name has 1 to 64 of a-z, 0-9 and . _ @ + -; a letter or digit comes first")
        _check(role, display_name, email)
        if password is not None:
            passwords.refuse_weak(password, name, email)
        hashed = passwords.hash_password(password) if password is not None else None
        with self._books.transaction():
            return self.insert(by, name, role, display_name, email, hashed, must_change=password is not None)

    def insert(self, by: Identity, name: str, role: str, display_name: str, email: str, password_hash: str | None, *,
               source: str = LOCAL, subject: str | None = None, must_change: bool = False) -> User:
        """The row itself, within the caller's transaction. Raises `Conflict` when the name is taken."""
        if self._rows.find('"name" = ?', name) is not None:
            raise Conflict(f"there is a user {name!r} already", code="name_taken")
        now = self._books.clock()
        user = User(new_id(), name, display_name, email, role, ACTIVE, source, 1, must_change, now, None, None)
        self._rows.insert({**_fields(user), "password_hash": password_hash, "subject": subject})
        self._books.audit.write(by.name, "user.add", name, address=by.address, role=role, source=source)
        return user

    def change(self, by: Identity, user_id: str, version: int | None, changes: Mapping[str, Any]) -> User:
        """Set ``role``, ``display_name`` or ``email``. Raises `Stale`; `Refused` for the last admin."""
        rights.refuse_unless(by, "user.change")
        wanted = {name: value for name, value in changes.items() if name in ("role", "display_name", "email")}
        with self._books.transaction():
            user = self._locked(user_id)
            refuse_stale(user.version, version, "user")
            new = {name: wanted.get(name, getattr(user, name)) for name in ("role", "display_name", "email")}
            _check(**new)
            if user.role == "admin" and new["role"] != "admin":
                self._refuse_last_admin(user)
            self._rows.change({**new, "version": user.version + 1}, '"id" = ?', user_id)
            self._books.audit.write(by.name, "user.change", user.name, address=by.address,
                                    **{name: value for name, value in new.items() if value != getattr(user, name)})
        return self.find(user_id)

    def lock(self, by: Identity, user_id: str, version: int | None = None) -> User:
        """Nobody comes in by it any more: sessions, tokens and links end with this transaction."""
        rights.refuse_unless(by, "user.change")
        with self._books.transaction():
            user = self._locked(user_id)
            refuse_stale(user.version, version, "user")
            self._refuse_last_admin(user)
            self._rows.change({"state": LOCKED, "locked": self._books.clock(), "version": user.version + 1},
                              '"id" = ?', user_id)
            self._sessions.end_all(user_id)
            self._tokens.revoke_all(user_id)
            self._links.drop(user_id)
            self._books.audit.write(by.name, "user.lock", user.name, address=by.address)
        return self.find(user_id)

    def unlock(self, by: Identity, user_id: str, version: int | None = None) -> User:
        """It may log in again; its tokens stay revoked."""
        rights.refuse_unless(by, "user.change")
        with self._books.transaction():
            user = self._locked(user_id)
            refuse_stale(user.version, version, "user")
            self._rows.change({"state": ACTIVE, "locked": None, "version": user.version + 1}, '"id" = ?', user_id)
            self._throttle.forgive_name(user.name)
            self._books.audit.write(by.name, "user.unlock", user.name, address=by.address)
        return self.find(user_id)

    def delete(self, by: Identity, user_id: str, version: int | None = None) -> None:
        """Sessions, tokens and grants go with it. What it did stays in the audit trail, under its name."""
        rights.refuse_unless(by, "user.change")
        with self._books.transaction():
            user = self._locked(user_id)
            refuse_stale(user.version, version, "user")
            if user_id == by.user_id:
                raise Refused("nobody deletes himself", code="self", hint="another admin can")
            self._refuse_last_admin(user)
            self._rows.delete('"id" = ?', user_id)
            self._books.audit.write(by.name, "user.delete", user.name, address=by.address)

    # ---- passwords

    def set_password(self, by: Identity, user_id: str, password: str, *, must_change: bool = True) -> User:
        """By an admin: sessions and tokens of the user end."""
        rights.refuse_unless(by, "user.change")
        with self._books.transaction():
            user = self._locked(user_id)
            self.store_password(user, password, must_change=must_change)
            self._tokens.revoke_all(user_id)
            self._books.audit.write(by.name, "user.password", user.name, address=by.address)
        return self.find(user_id)

    def change_own_password(self, by: Identity, old: str, new: str, session: str = "") -> User:
        """Other sessions than ``session`` end. Raises `Refused` when ``old`` is wrong: it counts as a failed login."""
        rights.refuse_unless(by, "own.change")
        self._throttle.begin(by.name, by.address)
        known = self._secrets.find('"id" = ?', by.user_id)
        if known is None or not passwords.is_right(known.password_hash, old):
            raise Refused("the old password is not right", code="password_wrong")
        with self._books.transaction():
            user = self._locked(by.user_id)
            self._throttle.forgive(by.name, by.address)
            self.store_password(user, new, but=session)
            self._books.audit.write(by.name, "user.password", user.name, address=by.address)
        return self.find(by.user_id)

    def store_password(self, user: User, password: str, *, must_change: bool = False, but: str = "") -> None:
        """Within the caller's transaction; ``but``: the session that stays. Raises `Malformed`, `Refused`."""
        if user.source != LOCAL:
            raise Refused("this account's password is kept by its identity provider", code="password_elsewhere")
        passwords.refuse_weak(password, user.name, user.email)
        self._rows.change({"password_hash": passwords.hash_password(password), "must_change_password": must_change,
                           "version": user.version + 1}, '"id" = ?', user.id)
        self._sessions.end_all(user.id, but)
        self._links.drop(user.id)

    def reset_link(self, by: Identity, user_id: str, valid_s: float = RESET_S, kind: str = RESET) -> str:
        """The token of a link by which the user sets a password; shown once."""
        rights.refuse_unless(by, "user.change")
        with self._books.transaction():
            user = self._locked(user_id)
            if user.state != ACTIVE or user.source != LOCAL:
                raise Refused("this account takes no password", code="password_elsewhere")
            token = self._links.make(kind, user_id, valid_s)
            self._books.audit.write(by.name, "user.link", user.name, address=by.address, kind=kind)
        return token

    def first_admin(self, by: Identity, name: str, valid_s: float = RESET_S) -> tuple[User, str] | None:
        """While no admin can come in: the admin, made where there is none, and the token of its link. Else None."""
        with self._books.transaction():
            if self.has_admin_with_password():
                return None
            user = self._rows.find('"role" = ? AND "state" = ? ORDER BY "created"', "admin", ACTIVE, lock=True)
            if user is None:
                user = self.insert(by, plain_name(name), "admin", "", "", None)
        return user, self.reset_link(by, user.id, valid_s, FIRST)

    def seen(self, user_id: str, at: datetime) -> None:
        """It has logged in, within the caller's transaction."""
        self._rows.change({"last_login": at}, '"id" = ?', user_id)

    # ---- within

    def _locked(self, user_id: str) -> User:
        """The user, locked together with every admin: always in the same order, so no two changes wait in a circle."""
        locked = self._rows.all('"id" = ? OR ("role" = ? AND "state" = ?) ORDER BY "id"', user_id, "admin", ACTIVE,
                                lock=True)
        user = next((one for one in locked if one.id == user_id), None)
        if user is None:
            raise NotFound(f"there is no user {user_id!r}")
        return user

    def _refuse_last_admin(self, user: User) -> None:
        """`_locked` holds all admins' rows: of two that are demoted at once, the second is refused."""
        if user.role != "admin" or user.state != ACTIVE:
            return
        admins = self._rows.all('"role" = ? AND "state" = ? ORDER BY "id"', "admin", ACTIVE)
        if not any(one.id != user.id for one in admins):
            raise Refused("this is the last admin", code="last_admin", hint="make another user admin first")


def plain_name(name: str) -> str:
    return name.strip().casefold()


def _check(role: str, display_name: str, email: str) -> None:
    if role not in ROLES:
        raise wrong("role", f"a role is one of {', '.join(ROLES)}")
    for field, text in (("display_name", display_name), ("email", email)):
        if len(text) > LONGEST_TEXT or not text.isprintable():
            raise wrong(field, f"at most {LONGEST_TEXT} printable characters")
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise wrong("email", "this is no address of mail")


def _fields(record: Struct) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


def _literal(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
