"""Launching a run: a form that asks what the playbook asks, and shows which hosts the limit means."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from litestar import get, post

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of
from api.ui.forms import Form, Wrong, sent_form
from api.ui.launching import PLAIN, answers, form_like, offered, request_values, wrong_names
from api.ui.pages import Html, go, page, tried
from orchestrator.errors import OrchError
from orchestrator.runs.requests import RunRequest
from orchestrator.store.books import new_id

LAUNCH = "run.launch"
SHOWN_HOSTS = 20


@get("/launch", action=LAUNCH)
async def launch_page(request: AnyRequest) -> Html:
    me, asked = identity_of(request), request.query_params
    like = asked.get("like")
    if like:
        form, withheld = await office_of(request).call(lambda control: form_like(control, me, like))
        return await _form(request, form, withheld=withheld)
    return await _form(request, Form({name: asked.get(name) for name in PLAIN if asked.get(name)}))


@post("/launch/form", action=LAUNCH, status_code=200)
async def launch_form(request: AnyRequest) -> Html:
    """The form anew, after a project or a playbook was chosen: nothing typed is lost, nothing is launched."""
    return await _form(request, await sent_form(request))


@post("/launch/match", action=LAUNCH, status_code=200)
async def launch_match(request: AnyRequest) -> Html:
    me, form = identity_of(request), await sent_form(request)
    matched, fault = None, ""
    if form.has("inventory_id"):
        try:
            matched = await office_of(request).call(lambda control: control.inventories.matched(
                me, form.text("inventory_id"), form.text("limit") or "all"))
        except OrchError as error:
            fault = error.message
    return page(request, "launch/match.html", matched=matched, fault=fault, shown=SHOWN_HOSTS)


@post("/launch", action=LAUNCH, status_code=200)
async def launch(request: AnyRequest) -> Html:
    form, me = await sent_form(request), identity_of(request)
    lists = await office_of(request).call(lambda control: offered(control, me, form))
    values = request_values(form, answers(form, lists.survey))
    values["kind"] = "plan" if form.text("kind") == "plan" else "run"
    try:
        run_id = await tried(request, form, lambda control: control.launches.launch(
            me, msgspec.convert(values, RunRequest), form.text("key") or None), wrong_names(lists.survey))
    except Wrong:
        return await _form(request, form, status=422)
    return go(request, f"/runs/{run_id}")


async def _form(request: AnyRequest, form: Form, status: int = 200, withheld: Sequence[str] = ()) -> Html:
    me = identity_of(request)
    lists = await office_of(request).call(lambda control: offered(control, me, form))
    if not form.has("key"):
        form.values["key"] = [new_id()]
    return page(request, "launch/launch.html", part="form", status=status, form=form, lists=lists,
                withheld=withheld)


HANDLERS = [launch_page, launch_form, launch_match, launch]
