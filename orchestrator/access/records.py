"""People, sessions, tokens and grants as the services give them: without hashes."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from orchestrator.access.rights import Identity

ACTIVE, LOCKED = "active", "locked"


class User(Struct):
    id: str
    name: str
    display_name: str
    email: str
    role: str
    state: str
    """``active`` or ``locked``."""
    source: str
    """``local``, or ``oidc``: known by the identity provider alone."""
    version: int
    must_change_password: bool
    created: datetime
    last_login: datetime | None
    locked: datetime | None


class GrantRecord(Struct):
    id: str
    user_id: str
    kind: str
    scope_id: str
    pattern: str
    role: str
    created: datetime


class Session(Struct):
    """``id`` names it to its owner; the cookie cannot be made from it."""

    id: str
    address: str
    user_agent: str
    created: datetime
    seen: datetime
    expires: datetime
    is_this: bool = False


class NewSession(Struct):
    """``secret`` goes into the cookie, and is shown here only."""

    secret: str
    csrf_token: str
    expires: datetime
    user: User


class Visitor(Struct):
    """What a session's cookie stands for."""

    identity: Identity
    csrf_token: str
    must_change_password: bool


class ApiToken(Struct):
    id: str
    user_id: str
    name: str
    scopes: list[str]
    created: datetime
    expires: datetime
    last_used: datetime | None
    revoked: datetime | None


class NewApiToken(Struct):
    """``token`` is shown here only."""

    token: str
    record: ApiToken
