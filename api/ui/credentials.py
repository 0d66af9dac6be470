"""Credentials: what is secret in them goes in by a form, and never comes out by one."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of
from api.ui.forms import Form, Wrong, sent_form
from api.ui.lists import asked, page_asked
from api.ui.pages import Html, go, page, tried
from orchestrator.access.rights import OPERATORS, Identity, may
from orchestrator.control.control import Control
from orchestrator.credentials.kinds import KINDS, LIST, Kind
from orchestrator.refusals import NotFound
from orchestrator.store.paging import PageRequest

CHANGED = "credential.change"


@get("/credentials", action="credential.use")
async def credentials(request: AnyRequest) -> Html:
    me, filters = identity_of(request), asked(request, "kind", "search")
    found = await office_of(request).call(lambda control: control.credentials.list(
        me, page_asked(request), kind=filters["kind"], search=filters["search"] or ""))
    return page(request, "content/credentials.html", part="rows", credentials=found, filters=filters, kinds=KINDS)


@get("/credentials/new", action=CHANGED)
async def new_credential(request: AnyRequest) -> Html:
    kind = KINDS.get(request.query_params.get("kind", ""), KINDS["ssh_key"])
    form = Form({"kind": kind.name, **{field.name: field.default for field in kind.fields if field.default}})
    return await _new(request, kind, form)


@post("/credentials/new", action=CHANGED, status_code=200)
async def add_credential(request: AnyRequest) -> Html:
    form, me = await sent_form(request), identity_of(request)
    kind = KINDS.get(form.text("kind"))
    if kind is None:
        raise NotFound(f"there is no kind of credential {form.text('kind')!r}")
    form.require("name", *(field.name for field in kind.fields if field.required))
    values = {name: value for name, value in _values(form, kind).items() if value}
    try:
        made = await tried(request, form, lambda control: control.credentials.create(
            me, form.text("name"), kind.name, values, form.many("shared")))
    except Wrong:
        return await _new(request, kind, form, 422)
    return go(request, f"/credentials/{made.id}", "Kept, encrypted.")


async def _new(request: AnyRequest, kind: Kind, form: Form, status: int = 200) -> Html:
    me = identity_of(request)
    sharing = await office_of(request).call(lambda control: _sharing(control, me))
    return page(request, "content/credential_new.html", part="form", status=status, kind=kind, kinds=KINDS, form=form,
                sharing=sharing)


def _sharing(control: Control, me: Identity) -> list[tuple[str, str]]:
    """With whom a credential may be shared, for those who decide it."""
    if not may(me, CHANGED):
        return []
    projects, inventories = (rows.list(me, PageRequest(200)).items for rows in (control.projects, control.inventories))
    return [(OPERATORS, "all operators"),
            *((f"project:{one.id}", f"whoever may launch {one.name}") for one in projects),
            *((f"inventory:{one.id}", f"whoever may launch on {one.name}") for one in inventories)]


@get("/credentials/{credential_id:str}", action="credential.use")
async def credential(request: AnyRequest, credential_id: FromPath[str]) -> Html:
    return await _credential(request, credential_id)


@post("/credentials/{credential_id:str}", action=CHANGED, status_code=200)
async def change_credential(request: AnyRequest, credential_id: FromPath[str]) -> Html:
    form, me = await sent_form(request), identity_of(request)
    before = await office_of(request).call(lambda control: control.credentials.show(me, credential_id))
    kind = KINDS[before.kind]
    # A secret's empty field leaves it as it is; that of anything else takes the value away.
    values = {name: value for name, value in _values(form, kind).items() if value or name not in kind.secrets}
    try:
        await tried(request, form, lambda control: control.credentials.change(
            me, credential_id, form.number("version"), name=form.text("name"), values=values,
            shared=form.many("shared")))
    except Wrong:
        return await _credential(request, credential_id, form=form, status=422)
    return go(request, f"/credentials/{credential_id}", "Saved.")


@post("/credentials/{credential_id:str}/delete", action=CHANGED, status_code=200)
async def delete_credential(request: AnyRequest, credential_id: FromPath[str]) -> Html:
    me = identity_of(request)
    await office_of(request).call(lambda control: control.credentials.delete(me, credential_id, None))
    return go(request, "/credentials", "Deleted.")


async def _credential(request: AnyRequest, credential_id: str, *, form: Form | None = None, status: int = 200) -> Html:
    me = identity_of(request)
    one, uses, needed, sharing = await office_of(request).call(lambda control: (
        control.credentials.show(me, credential_id),
        control.credentials.uses(me, credential_id) if may(me, CHANGED) else [],
        control.credentials.users(me, credential_id), _sharing(control, me)))
    shown = form or Form({"name": one.name, "version": one.version, "shared": one.shared, **_texts(one.values)})
    return page(request, "content/credential.html", part="form", status=status, credential=one, uses=uses,
                needed=needed, kind=KINDS[one.kind], form=shown, sharing=sharing)


def _values(form: Form, kind: Kind) -> dict[str, Any]:
    return {field.name: form.words(field.name) if field.type == LIST
            else form.raw(field.name) if field.secret or field.type == "lines" else form.text(field.name)
            for field in kind.fields}


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    return {name: " ".join(map(str, value)) if isinstance(value, list) else value for name, value in values.items()}


HANDLERS = [credentials, new_credential, add_credential, credential, change_credential, delete_credential]
