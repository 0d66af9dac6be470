"""Logging in by an OpenID provider: the way there, and the way back."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Controller, Response, get
from litestar.params import QueryParameter
from litestar.response import Redirect
from msgspec import Struct

from api.operator.conventions import AnyRequest
from api.operator.identity import cookie_of, door_of, office_of, session_cookie, visit_of
from orchestrator.access.oidc import local_path
from orchestrator.access.oidc_provider import Provider
from orchestrator.refusals import Refused, Unidentified

CALLBACK = "/api/v1/auth/oidc/callback"
Next = Annotated[str, QueryParameter(name="next", max_length=2_000, description="a path to go on to")]
LOGIN = "/login"
LOG = logging.getLogger("orch.api")
LONGEST_LINE = 300
PROVIDER = Provider()


class NoCode(Exception):
    """What the provider says instead, for the log: that a scope is unknown to it, that somebody pressed Cancel."""


class OidcWay(Struct):
    """``label``: what the button says; None when nobody logs in by a provider."""

    label: str | None


class OidcController(Controller):
    path = "/auth/oidc"
    tags = ["auth"]

    @get("/", open_to_all=True, operation_id="oidc")
    async def way(self, request: AnyRequest) -> OidcWay:
        return OidcWay(await office_of(request).call(lambda control: control.oidc.label()))

    @get("/start", open_to_all=True, operation_id="oidc_start", status_code=302)
    async def start(self, request: AnyRequest, next_: Next = "/") -> Response[Any]:
        """To the provider. The browser keeps the state meanwhile, so that nobody is logged in as somebody else."""
        try:
            return await _away(request, next_)
        except Refused as refused:
            return _told(request, refused)

    @get("/callback", open_to_all=True, any_query=True, operation_id="oidc_callback", status_code=302)
    async def callback(self, request: AnyRequest) -> Response[Any]:
        """From the provider (``?code&state``, or ``?error``); to where the login began, with a session."""
        try:
            return await _back(request)
        except Refused as refused:
            error, address = refused, visit_of(request).address
            await office_of(request).call(lambda control: control.oidc.refused(error, address))
            return _told(request, refused)


async def _away(request: AnyRequest, next_: str) -> Redirect:
    back_to = door_of(request).url.rstrip("/") + CALLBACK
    away = await office_of(request).call(lambda control: control.oidc.begin(back_to, next_))
    url = await asyncio.to_thread(PROVIDER.address, away.client, away.state, away.nonce, away.verifier)
    answer = Redirect(url, status_code=302)
    answer.set_cookie(**_state_cookie(request, away.state, 600))
    return answer


async def _back(request: AnyRequest) -> Redirect:
    asked = request.query_params
    state, code, error, issuer = (str(asked.get(name, ""))[:4_000] for name in ("state", "code", "error", "iss"))
    visit, office = visit_of(request), office_of(request)
    kept = cookie_of(request, _state_name(request))
    if not state or not kept or not secrets.compare_digest(kept.encode(), state.encode()):
        raise Unidentified("this login was begun by another browser, or too long ago", code="oidc_state",
                           hint="begin again: log in")
    back = await office.call(lambda control: control.oidc.back(state, issuer))
    if error or not code:
        raise Unidentified("the provider did not let you in", code="oidc_failed", hint="begin again: log in") from (
            NoCode(f"{error} {asked.get('error_description', '')}"))
    claims = await asyncio.to_thread(
        PROVIDER.claims, back.client, code, back.nonce, back.verifier, back.settings.groups_claim,
        back.settings.name_claim)
    agent = request.headers.get("user-agent", "")
    made = await office.call(lambda control: control.oidc.finish(
        claims, back.settings, visit.address, agent, visit.session_id))
    answer = Redirect(local_path(back.next), status_code=302)
    answer.set_cookie(**session_cookie(visit, made.secret))
    answer.set_cookie(**_state_cookie(request, "", 0))
    return answer


def _told(request: AnyRequest, refused: Refused) -> Response[Any]:
    """Whoever comes with a browser reads it on the login page, beside the button that begins again."""
    cause: BaseException = refused
    while cause.__cause__ is not None:
        cause = cause.__cause__
    why = refused.code if cause is refused else f"{type(cause).__name__}: {cause}"[:LONGEST_LINE]
    LOG.warning("login by the provider: %s (%s)", refused.message, why)
    if "text/html" not in request.headers.get("accept", ""):
        raise refused
    return Response("", status_code=303, headers={"Location": f"{LOGIN}?{urlencode({'refused': refused.code})}"})


def _state_name(request: AnyRequest) -> str:
    return "__Host-orch-oidc" if visit_of(request).is_secure else "orch-oidc"


def _state_cookie(request: AnyRequest, state: str, seconds: int) -> dict[str, Any]:
    return {**session_cookie(visit_of(request), state, max_age=seconds), "key": _state_name(request)}
