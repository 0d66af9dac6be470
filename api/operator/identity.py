"""Who is asking. Every request passes here: a session's cookie, or an API token in ``Authorization: Bearer``.

What it found out is ``request.auth`` (a `Visit`), and its identity ``request.user`` (`access.rights.Identity`).
Whether the request may go on is `api.operator.guards`' to say.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec import Struct

from api.operator.conventions import AnyRequest
from api.operator.office import Office
from api.operator.proxies import THIS_MACHINE, is_trusted, plain_address
from api.problems import Problem
from api.protection import RateLimit
from orchestrator.access.rights import Identity
from orchestrator.access.throttle import network_of
from orchestrator.control.control import Control
from orchestrator.errors import StoreError
from orchestrator.refusals import Refused, Unidentified

SECURE_COOKIE, PLAIN_COOKIE = "__Host-orch", "orch"
"""Browsers take the first over TLS only."""
CSRF_HEADER = "x-csrf-token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN = "open_to_all"
"""The option of a route handler that needs no identity; tests/api/operator/test_answers.py holds the list of them."""
PATIENCE_S = 5.0
"""With the store, where a stranger is let in as well."""
PER_MINUTE = 1_200
"""Requests of one identity; a page that is watched asks for many."""
STRANGERS_PER_MINUTE = 240
"""Requests of one address without an identity, pages' assets among them."""


class Door(Struct, frozen=True):
    """How this server is reached: what decides about cookies, addresses and names."""

    is_secure: bool = False
    """TLS ends here."""
    is_behind_proxy: bool = False
    """What a proxy on ``proxies`` says in X-Forwarded-For and X-Forwarded-Proto counts."""
    proxies: frozenset[str] = frozenset(THIS_MACHINE)
    """Addresses and networks."""
    hosts: frozenset[str] = frozenset()
    """Names by which it may be called, in lower case; none: any."""
    url: str = ""
    """Where people reach it: ``https://orch.example.com``. For links that are sent and printed."""


class Visit(Struct):
    """One request."""

    address: str
    is_secure: bool
    identity: Identity | None = None
    session_id: str = ""
    """Of a session: what the cookie holds. Empty for a token."""
    csrf_token: str = ""
    """Of a session: what unsafe requests send as X-CSRF-Token."""
    must_change_password: bool = False
    refusal: Refused | None = None
    """Why what was shown is no identity."""


class Limits:
    """How often anybody may ask; one per process."""

    def __init__(self, per_minute: int = PER_MINUTE, strangers_per_minute: int = STRANGERS_PER_MINUTE) -> None:
        self._known = RateLimit(per_minute)
        self._strangers = RateLimit(strangers_per_minute)

    def check(self, visit: Visit) -> None:
        who = visit.identity
        wait_s = self._known.take(who.user_id) if who else self._strangers.take(network_of(visit.address))
        if wait_s:
            raise Problem(429, "too_many_requests", "too many requests", headers={"Retry-After": str(int(wait_s) + 1)})


class Identify:
    """The middleware around every route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            visit = await _visit(scope)
            scope["auth"], scope["user"] = visit, visit.identity
        await self._app(scope, receive, send)


async def _visit(scope: Scope) -> Visit:
    state = scope["litestar_app"].state
    office: Office = state["office"]
    door: Door = state["door"]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    method = str(scope.get("method"))
    visit = Visit(address_of(scope, headers, door), is_secure(scope, headers, door))
    if method not in SAFE:
        _check_origin(headers, door)
    cookie = _cookie(headers.get("cookie", ""), SECURE_COOKIE if visit.is_secure else PLAIN_COOKIE)
    kind, _, token = headers.get("authorization", "").partition(" ")
    may_stay_unknown = method in SAFE and scope["route_handler"].opt.get(OPEN) is True
    try:
        async with asyncio.timeout(PATIENCE_S if may_stay_unknown else None):
            if token and kind.lower() == "bearer":
                visit.identity = await office.call(
                    lambda control: control.tokens.identify(token.strip(), visit.address))
            elif cookie:
                await office.call(lambda control: _by_session(control, visit, cookie))
    except Refused as error:
        visit.refusal = error
    except (StoreError, Problem, TimeoutError):  # the store is away, or has too much to do
        if not may_stay_unknown:
            raise
    state["limits"].check(visit)
    if visit.session_id and method not in SAFE:
        sent = headers.get(CSRF_HEADER, "")
        if not secrets.compare_digest(sent.encode(), visit.csrf_token.encode()):
            raise Problem(403, "csrf", "the request does not show that it came from this page",
                          "send the session's token (GET /api/v1/auth/me) as X-CSRF-Token")
    return visit


def _by_session(control: Control, visit: Visit, cookie: str) -> None:
    found = control.sessions.identify(cookie, visit.address)
    visit.identity, visit.session_id = found.identity, cookie
    visit.csrf_token, visit.must_change_password = found.csrf_token, found.must_change_password


def identity_of(request: AnyRequest) -> Identity:
    """Whose request it is; only routes that are not open may ask."""
    visit: Visit = request.auth
    if visit.identity is None:
        raise visit.refusal or Unidentified("log in first", code="identity_missing")
    return visit.identity


def visit_of(request: AnyRequest) -> Visit:
    visit: Visit = request.auth
    return visit


def office_of(request: AnyRequest) -> Office:
    office: Office = request.app.state["office"]
    return office


def door_of(request: AnyRequest) -> Door:
    door: Door = request.app.state["door"]
    return door


def cookie_of(request: AnyRequest, name: str) -> str:
    return _cookie(request.headers.get("cookie", ""), name)


async def is_still_known(request: AnyRequest, look: Callable[[Control, Identity], object] | None = None) -> bool:
    """For streams: whether the identity that began it would be let in now, and ``look`` refuses nothing to it.

    A locked user's streams end by it, and those of one who lost the right to what is streamed.
    """
    visit: Visit = request.auth
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if visit.identity is None:
        return False

    def ask(control: Control) -> None:
        identity = (control.sessions.identify(visit.session_id, visit.address).identity if visit.session_id
                    else control.tokens.identify(token.strip(), visit.address))
        if look is not None:
            look(control, identity)

    try:
        await office_of(request).call(ask)
    except Refused:
        return False
    return True


def address_of(scope: Scope, headers: dict[str, str], door: Door) -> str:
    """The client's address. Of ``X-Forwarded-For`` only the last part counts: it is the one that our proxy wrote."""
    client = scope.get("client")
    if _came_by_proxy(scope, door):
        said = plain_address(headers.get("x-forwarded-for", "").rpartition(",")[2])
        if said:
            return said
    return (plain_address(client[0]) or client[0]) if client else "unknown"


def is_secure(scope: Scope, headers: dict[str, str], door: Door) -> bool:
    """Whether the browser is at a page that came over TLS."""
    if _came_by_proxy(scope, door):
        return headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower() == "https"
    return door.is_secure


def _came_by_proxy(scope: Scope, door: Door) -> bool:
    client = scope.get("client")
    return door.is_behind_proxy and client is not None and is_trusted(client[0], door.proxies)


def _check_origin(headers: dict[str, str], door: Door) -> None:
    """A second lock beside the CSRF token, and the only one where nobody is logged in yet."""
    origin = headers.get("origin")
    ours = {headers.get("host", "").lower(), urlsplit(door.url).netloc.lower()}  # a proxy may ask by another name
    if headers.get("sec-fetch-site") in ("cross-site", "same-site") or (
            origin is not None and urlsplit(origin).netloc.lower() not in ours - {""}):
        raise Problem(403, "origin", "the request comes from another site's page")


def _cookie(header: str, name: str) -> str:
    for part in header.split(";"):
        key, mark, value = part.strip().partition("=")
        if mark and key == name:
            return value[:200]
    return ""


def session_cookie(visit: Visit, session_id: str, **parts: Any) -> dict[str, Any]:
    """The arguments of ``Response.set_cookie`` for a session; ``max_age=0`` with an empty id takes it away."""
    return {"key": SECURE_COOKIE if visit.is_secure else PLAIN_COOKIE, "value": session_id, "path": "/",
            "secure": visit.is_secure, "httponly": True, "samesite": "lax", **parts}
