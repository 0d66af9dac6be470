"""From a user's row to an identity."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from orchestrator.access.records import ACTIVE
from orchestrator.access.rights import SCOPES, Grant, Identity
from orchestrator.refusals import Unidentified
from orchestrator.store.books import Books


class KnownUser(Struct):
    """What of a user decides about who it is."""

    id: str
    name: str
    role: str
    state: str
    must_change_password: bool


class Identities:
    def __init__(self, books: Books) -> None:
        self._users = books.table("users", KnownUser)
        self._grants = books.table("grants", Grant)

    def identity(self, user_id: str, via: str, scopes: Iterable[str] = SCOPES,
                 address: str = "") -> tuple[Identity, KnownUser]:
        """The user as it is now. Raises `Unidentified` when it is locked or gone."""
        user = self._users.find('"id" = ?', user_id)
        if user is None or user.state != ACTIVE:
            raise Unidentified("this account is locked" if user else "this account is gone", code="user_locked")
        grants = tuple(self._grants.all('"user_id" = ?', user_id))
        return Identity(user.id, user.name, user.role, via, frozenset(scopes), grants, address), user

    def of(self, user_id: str, via: str = "schedule") -> Identity:
        """Of whoever owns something that acts by itself, as a schedule does. Raises `Unidentified`."""
        return self.identity(user_id, via)[0]


def by_command_line(name: str) -> Identity:
    """Whoever may open the store by hand may do everything anyway."""
    return Identity("", name, "admin", "cli")
