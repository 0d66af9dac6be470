"""Who is asking. Every request passes here; only routes that say ``open`` are let in without an identity.

An identity is the client certificate of the TLS connection itself, or a request signed with the agent's token. No
other header counts, behind a proxy either.
"""

from __future__ import annotations

import hashlib
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec import Struct

from api.agents.gateway import Call, Gateway
from api.problems import Problem
from api.protection import plain_body, read_body
from orchestrator.agents.desk import Desk
from orchestrator.agents.identity import Caller
from orchestrator.refusals import Refused

PROTOCOLS = (1,)
SIGNED = ("orch-agent", "orch-time", "orch-nonce", "orch-signature")
OPEN = "open"
"""The option of a route handler that needs no identity; `tests.api.test_routes` holds the list of them."""
RECOVERY = "recovery"
"""Of the one that an agentlet may call whose certificate is over."""
ANY_PROTOCOL = "any_protocol"
"""Of those that are called by something else than an agentlet."""


class Signed(Struct, frozen=True):
    """A signature over the request, in the four headers that it comes in."""

    agent: str
    time: str
    nonce: str
    signature: str


class Identity:
    """The middleware around every route: protocol, body, identity; what it found out is ``request.auth``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["auth"] = await _admit(scope, receive)
        # Nothing but the call is kept here: a poll may be held below for as long as it likes, as thousands are.
        await self._app(scope, receive, send)


def require_agent(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of every route: a second lock, should a route ever be reached around `Identity`."""
    call = connection.scope.get("auth")
    if not isinstance(call, Call) or (call.caller is None and handler.opt.get(OPEN) is not True):
        raise _missing()


async def _admit(scope: Scope, receive: Receive) -> Call:
    """The call with its identity; raises `Problem` or `Refused` for what may not pass."""
    gateway: Gateway = scope["litestar_app"].state["gateway"]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    options = scope["route_handler"].opt
    if options.get(ANY_PROTOCOL) is not True:
        _check_protocol(headers.get("orch-protocol"))
    address = _address(scope, headers, gateway.is_behind_proxy)
    shown = None if options.get(OPEN) is True else _shown(scope, headers, gateway.is_behind_proxy)
    body = await read_body(headers.get("content-length"), receive)
    caller = None
    if shown is not None:
        caller = await _identify(gateway, scope, shown, body, address)
        if caller.recovering and options.get(RECOVERY) is not True:
            raise Problem(401, "certificate_expired", "the certificate is over", "ask for the next one: POST renew")
    return Call(caller, address, plain_body(headers.get("content-encoding"), body))


def _missing() -> Problem:
    return Problem(401, "identity_missing", "the request shows no identity",
                   "an agentlet shows its certificate, or signs with its token; orch agents invite HOST enrols one")


def _shown(scope: Scope, headers: dict[str, str], is_behind_proxy: bool) -> bytes | Signed:
    """The client's certificate, or the four parts of a signature. Raises 401 when there is neither."""
    signed = Signed(*(headers.get(name, "") for name in SIGNED))
    if signed.agent and signed.signature:
        return signed
    extensions: dict[str, Any] = scope.get("extensions") or {}
    certificate: bytes | None = extensions.get("tls", {}).get("client_cert_der")
    if certificate is None or is_behind_proxy:
        raise _missing()
    return certificate


def _check_protocol(spoken: str | None) -> None:
    if spoken not in {str(version) for version in PROTOCOLS}:
        raise Problem(426, "protocol_unknown", "the server does not speak this version of the protocol",
                      "the agentlet is older or newer than the server: install it anew from this server",
                      headers={"Upgrade": "orch-agent/1"}, protocols=list(PROTOCOLS))


async def _identify(gateway: Gateway, scope: Scope, shown: bytes | Signed, body: bytes, address: str) -> Caller:
    def by_certificate(desk: Desk) -> Caller:
        assert isinstance(shown, bytes)
        return desk.identify_certificate(shown, address=address)

    def by_signature(desk: Desk) -> Caller:
        assert isinstance(shown, Signed)
        return desk.identify_signature(shown.agent, shown.time, shown.nonce, method, target, digest, shown.signature,
                                       address=address, behind_proxy=gateway.is_behind_proxy)

    target = (scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")).decode("latin-1")
    method, digest = str(scope.get("method")), hashlib.sha256(body).hexdigest()
    try:
        return await gateway.desk.call(by_certificate if isinstance(shown, bytes) else by_signature)
    except Refused:
        gateway.refusals.check(address)
        raise


def _address(scope: Scope, headers: dict[str, str], is_behind_proxy: bool) -> str:
    """The client's address. Of ``X-Forwarded-For`` only the last part counts: it is the one that our proxy wrote."""
    client = scope.get("client")
    address = client[0] if client else "unknown"
    if is_behind_proxy:
        return headers.get("x-forwarded-for", "").rpartition(",")[2].strip()[:64] or address
    return address
