"""Users with their grants, for admins."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of
from api.ui.forms import Form, Wrong, sent_form
from api.ui.lists import page_asked
from api.ui.pages import Html, go, page, tried
from orchestrator.access.rights import GRANTED_ROLES, ROLES, Identity, may
from orchestrator.control.control import Control
from orchestrator.store.paging import PageRequest

CHANGED = "user.change"
WHAT_ROLES_DO = (("none", "none: only what grants give"), ("viewer", "viewer: sees all, changes nothing"),
                 ("operator", "operator: launches, edits schedules and inventories"),
                 ("approver", "approver: approves plans as well"), ("admin", "admin: everything"))


@get("/users", action="user.view")
async def users(request: AnyRequest) -> Html:
    me, asked = identity_of(request), request.query_params
    found = await office_of(request).call(lambda control: control.users.list(
        me, page_asked(request), state=asked.get("status") or None, role=asked.get("role") or None,
        search=asked.get("search") or None))
    return page(request, "people/users.html", part="rows", users=found, filters=asked, roles=ROLES)


@get("/users/new", action=CHANGED)
async def new_user(request: AnyRequest) -> Html:
    return page(request, "people/new.html", form=Form({"role": "viewer"}), roles=WHAT_ROLES_DO)


@post("/users/new", action=CHANGED, status_code=200)
async def add_user(request: AnyRequest) -> Html:
    form, me = await sent_form(request), identity_of(request)
    form.require("name")
    try:
        made = await tried(request, form, lambda control: control.users.add(
            me, form.text("name"), form.text("role"), display_name=form.text("display_name"), email=form.text("email")))
    except Wrong:
        return page(request, "people/new.html", part="form", status=422, form=form, roles=WHAT_ROLES_DO)
    return go(request, f"/users/{made.id}", "Added. A link lets them set a password.")


@get("/users/{user_id:str}", action="user.view")
async def user(request: AnyRequest, user_id: FromPath[str]) -> Html:
    return await _user(request, user_id)


@post("/users/{user_id:str}", action=CHANGED, status_code=200)
async def change_user(request: AnyRequest, user_id: FromPath[str]) -> Html:
    form, me = await sent_form(request), identity_of(request)
    changes = {name: form.text(name) for name in ("role", "display_name", "email")}
    try:
        await tried(request, form, lambda control: control.users.change(
            me, user_id, form.number("version"), changes))
    except Wrong:
        return await _user(request, user_id, form=form, status=422, part="form")
    return go(request, f"/users/{user_id}", "Saved.")


@post("/users/{user_id:str}/link", action=CHANGED, status_code=200)
async def make_link(request: AnyRequest, user_id: FromPath[str]) -> Html:
    me = identity_of(request)
    token = await office_of(request).call(lambda control: control.users.reset_link(me, user_id))
    door = request.app.state["door"]
    base = door.url or f"{request.url.scheme}://{request.headers.get('host', '')}"
    return page(request, "people/link.html", link=f"{base.rstrip('/')}/link/{token}")


@post("/users/{user_id:str}/{act:str}", action=CHANGED, status_code=200)
async def act_on_user(request: AnyRequest, user_id: FromPath[str], act: FromPath[str]) -> Html:
    me = identity_of(request)

    def do(control: Control) -> str:
        if act == "lock":
            control.users.lock(me, user_id)
            return "Locked: sessions and tokens have ended."
        if act == "unlock":
            control.users.unlock(me, user_id)
            return "Unlocked."
        if act == "delete":
            control.users.delete(me, user_id)
            return "Deleted."
        return ""

    said = await office_of(request).call(do)
    return go(request, "/users" if act == "delete" else f"/users/{user_id}", said)


@post("/users/{user_id:str}/grants", action=CHANGED, status_code=200)
async def add_grant(request: AnyRequest, user_id: FromPath[str]) -> Html:
    form, me = await sent_form(request), identity_of(request)
    kind, _, scope_id = form.text("scope").partition(":")
    form.require("scope", "pattern")
    try:
        await tried(request, form, lambda control: control.grants.add(
            me, user_id, kind, scope_id, form.text("pattern"), form.text("grant_role")), {"role": "grant_role"})
    except Wrong:
        return await _user(request, user_id, grant_form=form, status=422, part="grants")
    return go(request, f"/users/{user_id}", "Granted.")


@post("/users/{user_id:str}/grants/{grant_id:str}/remove", action=CHANGED, status_code=200)
async def remove_grant(request: AnyRequest, user_id: FromPath[str], grant_id: FromPath[str]) -> Html:
    me = identity_of(request)
    await office_of(request).call(lambda control: control.grants.remove(me, grant_id))
    return go(request, f"/users/{user_id}", "The grant is gone.")


async def _user(request: AnyRequest, user_id: str, *, form: Form | None = None, grant_form: Form | None = None,
                status: int = 200, part: str | None = None) -> Html:
    me = identity_of(request)
    values = await office_of(request).call(lambda control: _facts(control, me, user_id))
    one = values["user"]
    shown = form or Form({"role": one.role, "display_name": one.display_name, "email": one.email,
                          "version": one.version})
    return page(request, "people/user.html", part=part, status=status, form=shown, roles=WHAT_ROLES_DO,
                grant_form=grant_form or Form({"pattern": "*", "grant_role": "operator"}),
                granted_roles=[(role, role) for role in GRANTED_ROLES], **values)


def _facts(control: Control, me: Identity, user_id: str) -> dict[str, Any]:
    everything = PageRequest(200)
    inventories = control.inventories.list(me, everything).items
    projects = control.projects.list(me, everything).items
    credentials = control.credentials.list(me, everything).items if may(me, "credential.use") else []
    return {
        "user": control.users.show(me, user_id), "grants": control.grants.list(me, everything, user_id).items,
        "tokens": control.tokens.of_user(me, user_id, everything).items,
        "names": {one.id: one.name for one in inventories} | {one.id: one.name for one in projects}
        | {one.id: one.name for one in credentials},
        "scopes": [*((f"inventory:{one.id}", f"inventory {one.name}") for one in inventories),
                   *((f"playbook:{one.id}", f"playbooks of {one.name}") for one in projects),
                   *((f"credential:{one.id}", f"credential {one.name}") for one in credentials)]}


HANDLERS = [users, new_user, add_user, user, change_user, make_link, act_on_user, add_grant, remove_grant]
