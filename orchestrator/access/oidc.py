"""Logging in by an OpenID provider: what is kept between the way there and the way back, and whom it becomes here."""

from __future__ import annotations

import re
import secrets
from typing import ClassVar, Literal

from msgspec import Struct, field

from orchestrator.access.identities import by_command_line
from orchestrator.access.links import OIDC, Links
from orchestrator.access.oidc_provider import Claims, Client, is_safe, role_of
from orchestrator.access.records import ACTIVE, NewSession, User
from orchestrator.access.rights import ROLES
from orchestrator.access.sessions import Sessions
from orchestrator.access.users import NAME, Users, plain_name
from orchestrator.refusals import NotFound, Refused, Unidentified
from orchestrator.store.books import Books
from orchestrator.store.settings import StoredSettings

KEY = "oidc"
AWAY_S = 600.0
BY = by_command_line("oidc")
Role = Literal["none", "viewer", "operator", "approver", "admin"]


class OidcSettings(Struct, forbid_unknown_fields=True):
    """The group ``oidc`` of the settings; without an issuer nobody logs in by it."""

    secret: ClassVar[tuple[str, ...]] = ("client_secret",)

    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""
    """Write-only; empty when it is set leaves it as it is."""
    label: str = "single sign-on"
    """What the login page's button says."""
    scopes: list[str] = field(default_factory=lambda: ["openid", "profile", "email"])
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    roles: dict[str, Role] = field(default_factory=dict)
    """Group of the provider -> role here; of several the highest."""
    default_role: Role | Literal[""] = ""
    """Of those in none of the groups; empty: they are not let in."""

    def __post_init__(self) -> None:
        if self.issuer and not is_safe(self.issuer):
            raise ValueError("the issuer begins with https://")
        if self.issuer and "openid" not in self.scopes:
            raise ValueError("one of the scopes is openid")


class Away(Struct):
    """Somebody who is at the provider: where to, and what the browser holds meanwhile."""

    client: Client
    state: str
    nonce: str
    verifier: str


class Back(Struct):
    """Somebody who came back with a state that was ours."""

    client: Client
    settings: OidcSettings
    nonce: str
    verifier: str
    next: str


class OidcLogins:
    """The store's part. Between `begin` and `finish` an `oidc_provider.Provider` is asked, in no transaction."""

    def __init__(self, books: Books, users: Users, sessions: Sessions, links: Links) -> None:
        self._books = books
        self._users, self._sessions, self._links = users, sessions, links
        self._settings = StoredSettings(books)
        self._subjects = books.table("users", _Subject)

    def label(self) -> str | None:
        """What the button says; None when nobody can log in so."""
        found = self._settings.read(KEY, OidcSettings)
        return found.label if found.issuer and found.client_id else None

    def begin(self, redirect_uri: str, next_: str) -> Away:
        """A state that is good once, for ten minutes. ``next_``: a path of this page to go on to."""
        settings = self._read()
        nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        with self._books.transaction():
            state = self._links.make(OIDC, None, AWAY_S, {
                "nonce": nonce, "verifier": verifier, "next": local_path(next_), "redirect": redirect_uri})
        return Away(_client(settings, redirect_uri), state, nonce, verifier)

    def back(self, state: str, issuer: str = "") -> Back:
        """Uses the state up. ``issuer``: who answers, where the answer says so (RFC 9207). Raises `Unidentified`."""
        settings = self._read()
        with self._books.transaction():
            _, kept = self._links.use(OIDC, state)
        if issuer not in ("", settings.issuer):
            raise Unidentified("the answer is another provider's", code="oidc_failed", hint="begin again: log in")
        return Back(_client(settings, kept["redirect"]), settings, kept["nonce"], kept["verifier"], kept["next"])

    def finish(self, claims: Claims, settings: OidcSettings, address: str = "", user_agent: str = "",
               before: str = "") -> NewSession:
        """A session of the user whom the provider means; made here the first time, with the role of its groups.

        Raises `Unidentified` when it is in no group that is let in, or is locked; `Conflict` when a user of another
        origin has its name: nobody takes over an account by choosing its name elsewhere.
        """
        role = role_of(claims.groups, settings.roles, settings.default_role, ROLES)
        if role is None:
            raise self._of(claims, Unidentified("you are in none of the groups that are let in here",
                                                code="oidc_no_group", hint="ask an admin of orch"))
        subject = f"{claims.issuer} {claims.subject}"
        with self._books.transaction():
            user = self._user(subject, claims, role)
            if user.state != ACTIVE:
                raise self._of(claims, Unidentified("this account is locked", code="user_locked"))
        if user.role != role:
            user = self._with_role(user, role)
        with self._books.transaction():
            self._users.seen(user.id, self._books.clock())
            made = self._sessions.begin(user, address, user_agent, before)
            self._books.audit.write(user.name, "login.oidc", user.name, address=address)
        return made

    def refused(self, refused: Refused, address: str = "") -> None:
        """For the audit trail: somebody came back from the provider and was not let in."""
        self._books.audit.refused("", "login.oidc", refused.subject, refused.code, address)

    @staticmethod
    def _of(claims: Claims, refused: Refused) -> Refused:
        refused.subject = claims.name
        return refused

    def _user(self, subject: str, claims: Claims, role: str) -> User:
        known = self._subjects.find('"source" = ? AND "subject" = ?', "oidc", subject, lock=True)
        if known is not None:
            return self._users.find(known.id)
        name = re.sub(r"[^a-z0-9._@+-]", "-", plain_name(claims.name or claims.email))[:64].lstrip("._@+-")
        if not NAME.fullmatch(name):
            raise Unidentified("the provider tells no name that can be used here", code="oidc_name")
        return self._users.insert(BY, name, role, claims.display_name, claims.email, None, source="oidc",
                                  subject=subject)

    def _with_role(self, user: User, role: str) -> User:
        try:
            return self._users.change(BY, user.id, None, {"role": role})
        except Refused:  # the last admin stays one, whatever the provider says
            return user

    def _read(self) -> OidcSettings:
        found = self._settings.read(KEY, OidcSettings)
        if not found.issuer or not found.client_id:
            raise NotFound("nobody logs in by a provider here", code="oidc_off")
        return found


class _Subject(Struct):
    id: str
    source: str
    subject: str | None


def local_path(next_: str) -> str:
    """A path of this page, or ``/``: nobody is sent elsewhere by a link to the login."""
    if next_.startswith("/") and not next_.startswith(("//", "/\\")) and next_.isprintable() and len(next_) < 2_000:
        return next_
    return "/"


def _client(settings: OidcSettings, redirect_uri: str) -> Client:
    return Client(settings.issuer, settings.client_id, settings.client_secret, tuple(settings.scopes), redirect_uri)

