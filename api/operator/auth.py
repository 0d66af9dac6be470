"""Logging in and out, one's own account, sessions and tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api.operator.conventions import AnyRequest, created
from api.operator.identity import identity_of, office_of, session_cookie, visit_of
from orchestrator.access.records import ApiToken, NewSession, Session, User
from orchestrator.access.rights import Grant
from orchestrator.store.paging import Page, PageRequest

Password = Annotated[str, Meta(max_length=1_024)]
Name = Annotated[str, Meta(max_length=200)]
Token = Annotated[str, Meta(max_length=200)]


class Login(Struct, forbid_unknown_fields=True):
    name: Name
    password: Password


class LinkUse(Struct, forbid_unknown_fields=True):
    token: Token
    password: Password


class PasswordChange(Struct, forbid_unknown_fields=True):
    old: Password
    new: Password


class TokenWish(Struct, forbid_unknown_fields=True):
    name: Name
    scopes: Annotated[list[str], Meta(min_length=1, max_length=10)]
    valid_s: float = 90 * 86_400.0
    """At most a year."""


class Welcome(Struct):
    """``csrf_token`` goes as X-CSRF-Token with every request that changes something."""

    user: User
    csrf_token: str
    expires: datetime


class Me(Struct):
    user: User
    via: str
    scopes: list[str]
    grants: list[Grant]
    csrf_token: str
    """Empty for a token, which needs none."""


class LinkOwner(Struct):
    name: str


class MadeToken(Struct):
    """``token`` is shown this once."""

    token: str
    record: ApiToken


class AuthController(Controller):
    path = "/auth"
    tags = ["auth"]

    @post("/login", open_to_all=True, status_code=200, operation_id="login")
    async def login(self, request: AnyRequest, data: JSONBody[Login]) -> Response[Welcome]:
        """A session, in a cookie. 401 in the same words whatever was wrong; 429 after too many tries."""
        visit, agent = visit_of(request), request.headers.get("user-agent", "")
        return welcome(request, await office_of(request).call(lambda control: control.logins.login(
            data.name, data.password, visit.address, agent, visit.session_id)))

    @post("/logout", action="own", status_code=204, operation_id="logout")
    async def logout(self, request: AnyRequest) -> Response[None]:
        who, visit = identity_of(request), visit_of(request)
        if visit.session_id:
            await office_of(request).call(
                lambda control: control.logins.logout(visit.session_id, who.name, visit.address))
        answer: Response[None] = Response(None, status_code=204)
        answer.set_cookie(**session_cookie(visit, "", max_age=0))
        return answer

    @get("/me", action="own", operation_id="me")
    async def me(self, request: AnyRequest) -> Me:
        who, visit = identity_of(request), visit_of(request)
        user = await office_of(request).call(lambda control: control.users.find(who.user_id))
        return Me(user, who.via, sorted(who.scopes), list(who.grants), visit.csrf_token)

    @post("/password", action="own.change", status_code=200, operation_id="change_own_password")
    async def change_password(self, request: AnyRequest, data: JSONBody[PasswordChange]) -> User:
        """All other sessions end."""
        who, visit = identity_of(request), visit_of(request)
        return await office_of(request).call(lambda control: control.users.change_own_password(
            who, data.old, data.new, visit.session_id))

    @get("/links/{token:str}", open_to_all=True, operation_id="look_at_link")
    async def look_at_link(self, request: AnyRequest, token: FromPath[str]) -> LinkOwner:
        """Whose one-time link it is; nothing is used up."""
        return LinkOwner(await office_of(request).call(lambda control: control.logins.look(token)))

    @post("/links", open_to_all=True, status_code=200, operation_id="use_link")
    async def use_link(self, request: AnyRequest, data: JSONBody[LinkUse]) -> Response[Welcome]:
        """Set a password by a one-time link, and log in with it."""
        visit, agent = visit_of(request), request.headers.get("user-agent", "")
        return welcome(request, await office_of(request).call(lambda control: control.logins.use_link(
            data.token, data.password, visit.address, agent)))

    @get("/sessions", action="own", operation_id="own_sessions")
    async def sessions(self, request: AnyRequest) -> list[Session]:
        who, visit = identity_of(request), visit_of(request)
        return await office_of(request).call(lambda control: control.sessions.own(who, visit.session_id))

    @delete("/sessions/{session_id:str}", action="own.change", operation_id="end_own_session")
    async def end_session(self, request: AnyRequest, session_id: FromPath[str]) -> None:
        who = identity_of(request)
        await office_of(request).call(lambda control: control.sessions.end_own(who, session_id))

    @get("/tokens", action="own", operation_id="own_tokens")
    async def tokens(self, request: AnyRequest, page: NamedDependency[PageRequest]) -> Page[ApiToken]:
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.tokens.own(who, page))

    @post("/tokens", action="own.change", operation_id="make_token")
    async def make_token(self, request: AnyRequest, data: JSONBody[TokenWish]) -> Response[MadeToken]:
        who = identity_of(request)
        made = await office_of(request).call(
            lambda control: control.tokens.make(who, data.name, data.scopes, data.valid_s))
        return created(MadeToken(made.token, made.record), f"/api/v1/auth/tokens/{made.record.id}")

    @delete("/tokens/{token_id:str}", action="own.change", operation_id="revoke_token")
    async def revoke_token(self, request: AnyRequest, token_id: FromPath[str]) -> None:
        who = identity_of(request)
        await office_of(request).call(lambda control: control.tokens.revoke(who, token_id))


def welcome(request: AnyRequest, made: NewSession) -> Response[Any]:
    """The answer that carries a new session's cookie."""
    answer: Response[Any] = Response(Welcome(made.user, made.csrf_token, made.expires))
    answer.set_cookie(**session_cookie(visit_of(request), made.secret))
    return answer
