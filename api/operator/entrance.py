"""Around the whole application, unknown paths too: which host is asked for, headers of every answer, request ids."""

from __future__ import annotations

import logging
import secrets
import time

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from api.operator.identity import Door, is_secure
from api.operator.metrics import count
from api.operator.refused import note_refused

CSP = ("default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
       "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
HEADERS = [
    (b"content-security-policy", CSP.encode()),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
]
LOG = logging.getLogger("orch.requests")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HSTS = (b"strict-transport-security", b"max-age=31536000")


class Entrance:
    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request_id)
        began, status = time.monotonic(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message["headers"])
                known = {name for name, _ in headers}
                ours = [*HEADERS, HSTS] if self._is_secure(scope) else HEADERS
                headers += [header for header in ours if header[0] not in known]
                message["headers"] = [*headers, (b"x-request-id", request_id.encode())]
            await send(message)

        if not self._is_ours(scope):
            await _refuse(sending)
            return
        try:
            await self._app(scope, receive, sending)
            await note_refused(scope, status)
        finally:
            _note(scope, status, time.monotonic() - began)

    def _is_secure(self, scope: HTTPScope) -> bool:
        if not self._door.is_behind_proxy:
            return self._door.is_secure
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        return is_secure(scope, headers, self._door)

    def _is_ours(self, scope: Scope) -> bool:
        """Against DNS rebinding: another site's name that leads here is not ours."""
        if not self._door.hosts:
            return True
        hosts = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
        return len(hosts) == 1 and host_name(hosts[0]) in self._door.hosts


def host_name(host: str) -> str:
    """``Host`` without its port; an IPv6 address without its brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _note(scope: HTTPScope, status: int, seconds: float) -> None:
    """A line of the log, with the route's pattern: a path may hold a token."""
    route = scope.get("path_template", "") or "unknown"
    count(str(scope["method"]) if scope["method"] in METHODS else "other", route, status, seconds)
    visit = scope.get("auth")
    identity = getattr(visit, "identity", None)
    LOG.info("request", extra={
        "method": scope["method"], "route": route, "status": status,
        "ms": round(seconds * 1_000, 1), "address": getattr(visit, "address", ""),
        "user": identity.name if identity else ""})


async def _refuse(send: Send) -> None:
    body = msgspec.json.encode({"status": 421, "title": "Misdirected Request", "code": "host_unknown",
                                "detail": "this server does not go by that name", "time": time.time(),
                                "hint": "orch serve --page-name NAME"})
    await send({"type": "http.response.start", "status": 421, "headers": [
        (b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
