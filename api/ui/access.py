"""Coming in and going out: login, links that are good once, one's own password, sessions and tokens."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of, session_cookie, visit_of
from api.ui.forms import Form, Wrong, sent_form
from api.ui.pages import Html, go, own_path, page, tried
from orchestrator.access.records import NewSession
from orchestrator.access.rights import SCOPES, Identity
from orchestrator.control.control import Control
from orchestrator.refusals import Throttled, Unidentified
from orchestrator.store.paging import PageRequest

DAY_S = 86_400.0
AGAIN = "The login took too long, or was begun in another window: try again."
BY_PROVIDER = {
    "oidc_state": AGAIN, "link_unknown": AGAIN, "link_used": AGAIN, "link_expired": AGAIN,
    "oidc_no_group": "The provider knows you, but none of your groups is let in here: ask an admin of orch.",
    "oidc_name": "The provider tells no name that can be used here: ask an admin of orch.",
    "name_taken": "Another account here has your name: ask an admin of orch.",
    "user_locked": "This account is locked.",
    "oidc_provider": "The identity provider does not answer: try again later, or log in with a password.",
    "oidc_off": "Nobody logs in by a provider here.",
}
"""Why `api.operator.oidc` sent somebody back to the login; what is not listed has the sentence below."""
NOT_LET_IN = "The identity provider did not let you in: try again, or ask an admin of orch."


@get("/login", open_to_all=True)
async def login_page(request: AnyRequest) -> Html:
    if visit_of(request).identity is not None:
        return go(request, own_path(request.query_params.get("next")))
    form, refused = Form(), request.query_params.get("refused")
    if refused is not None:
        form.errors[""] = BY_PROVIDER.get(refused, NOT_LET_IN)
    return await _login(request, form, own_path(request.query_params.get("next")))


@post("/login", open_to_all=True, status_code=200)
async def login(request: AnyRequest) -> Html:
    form, visit = await sent_form(request), visit_of(request)
    way = own_path(form.text("next"))
    agent = request.headers.get("user-agent", "")
    try:
        form.require("name", "password")
        made = await tried(request, form, lambda control: control.logins.login(
            form.text("name"), form.raw("password"), visit.address, agent, visit.session_id))
    except Unidentified as error:
        form.errors[""] = f"{error.message[:1].upper()}{error.message[1:]}."
        return await _login(request, form, way, 401)
    except Throttled as error:
        form.errors[""] = error.message
        return await _login(request, form, way, 429)
    except Wrong:
        return await _login(request, form, way, 422)
    return _begun(request, made, way)


async def _login(request: AnyRequest, form: Form, way: str, status: int = 200) -> Html:
    provider = await office_of(request).call(lambda control: control.oidc.label())
    return page(request, "access/login.html", status=status, form=form, next=way, provider=provider)


def _begun(request: AnyRequest, made: NewSession, way: str) -> Html:
    answer = go(request, way)
    answer.set_cookie(**session_cookie(visit_of(request), made.secret))
    return answer


@post("/logout", action="own", status_code=200)
async def logout(request: AnyRequest) -> Html:
    visit, me = visit_of(request), identity_of(request)
    if visit.session_id:
        await office_of(request).call(lambda control: control.logins.logout(visit.session_id, me.name, visit.address))
    answer = go(request, "/login")
    answer.set_cookie(**session_cookie(visit, "", max_age=0))
    return answer


@get("/link/{token:str}", open_to_all=True)
async def link_page(request: AnyRequest, token: FromPath[str]) -> Html:
    """Nothing is used up by looking: previews of mails look too."""
    name = await office_of(request).call(lambda control: control.logins.look(token))
    return _password(request, Form(), f"/link/{token}", name=name)


@post("/link/{token:str}", open_to_all=True, status_code=200)
async def use_link(request: AnyRequest, token: FromPath[str]) -> Html:
    form, visit = await sent_form(request), visit_of(request)
    agent = request.headers.get("user-agent", "")
    _same_twice(form)
    try:
        made = await tried(request, form, lambda control: control.logins.use_link(
            token, form.raw("password"), visit.address, agent))
    except Wrong:
        return _password(request, form, f"/link/{token}", name=form.text("username"), status=422)
    return _begun(request, made, "/")


@get("/password", action="own")
async def password_page(request: AnyRequest) -> Html:
    return _password(request, Form(), "/password", ask_old=True)


@post("/password", action="own.change", status_code=200)
async def change_password(request: AnyRequest) -> Html:
    form, visit, me = await sent_form(request), visit_of(request), identity_of(request)
    form.require("old")
    _same_twice(form)
    try:
        await tried(request, form, lambda control: control.users.change_own_password(
            me, form.raw("old"), form.raw("password"), visit.session_id), {"new": "password"})
    except Wrong:
        return _password(request, form, "/password", ask_old=True, status=422)
    return go(request, "/account", "The password is changed; other sessions have ended.")


def _same_twice(form: Form) -> None:
    form.require("password", "again")
    if not form.errors and form.raw("password") != form.raw("again"):
        form.errors["again"] = "this is not the same"


def _password(request: AnyRequest, form: Form, action: str, *, name: str = "", ask_old: bool = False,
              status: int = 200) -> Html:
    return page(request, "access/password.html", status=status, form=form, action=action, name=name, ask_old=ask_old)


# ---- one's own account

@get("/account", action="own")
async def account(request: AnyRequest) -> Html:
    return await _account(request, Form({"days": 90, "scopes": ["read"]}))


@post("/account/tokens", action="own.change", status_code=200)
async def make_token(request: AnyRequest) -> Html:
    form, me = await sent_form(request), identity_of(request)
    days = form.number("days", 90, 1, 365)
    form.require("name")
    if not form.has("scopes"):
        form.errors["scopes"] = "at least one"
    try:
        made = await tried(request, form, lambda control: control.tokens.make(
            me, form.text("name"), form.many("scopes"), days * DAY_S), {"valid_s": "days"})
    except Wrong:
        return await _account(request, form, status=422)
    return await _account(request, Form({"days": 90, "scopes": ["read"]}), token=made.token)


@post("/account/tokens/{token_id:str}/revoke", action="own.change", status_code=200)
async def revoke_token(request: AnyRequest, token_id: FromPath[str]) -> Html:
    me = identity_of(request)
    await office_of(request).call(lambda control: control.tokens.revoke(me, token_id))
    return go(request, "/account", "The token is revoked.")


@post("/account/sessions/{session_id:str}/end", action="own.change", status_code=200)
async def end_session(request: AnyRequest, session_id: FromPath[str]) -> Html:
    me = identity_of(request)
    await office_of(request).call(lambda control: control.sessions.end_own(me, session_id))
    return go(request, "/account", "The session has ended.")


async def _account(request: AnyRequest, form: Form, *, token: str = "", status: int = 200) -> Html:
    me, visit = identity_of(request), visit_of(request)
    user, tokens, sessions = await office_of(request).call(lambda control: _own(control, me, visit.session_id))
    return page(request, "access/account.html", part="tokens", status=status, user=user, tokens=tokens,
                sessions=sessions, form=form, token=token, scopes=[(scope, scope) for scope in SCOPES])


def _own(control: Control, me: Identity, session_id: str) -> tuple[object, object, object]:
    return (control.users.show(me, me.user_id), control.tokens.own(me, PageRequest(100)).items,
            control.sessions.own(me, session_id))


HANDLERS = [login_page, login, logout, link_page, use_link, password_page, change_password, account, make_token,
            revoke_token, end_session]
