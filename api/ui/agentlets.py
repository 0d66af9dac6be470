"""Agentlets: hosts that call in, and the dialog that invites one and waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Stream

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, is_still_known, office_of
from api.operator.stream import HEADERS, MEDIA_TYPE
from api.ui.forms import Form, Wrong, sent_form
from api.ui.lists import asked, page_asked
from api.ui.pages import Html, environment, go, page, tried
from orchestrator.access.rights import Identity
from orchestrator.agents.inviting import install_line, server_pin, server_url
from orchestrator.control.control import Control
from orchestrator.projects.agentlets import Agentlet
from orchestrator.refusals import NotFound
from orchestrator.store.books import utc_now

CHANGED = "agent.change"
LOOK_S = 1.5
WAIT_S = 3_600.0
VALID_S = 3_600.0
ACTS = {"rotate": "It is asked for a new key when it calls next.",
        "approve": "It may have a new certificate, within a day.",
        "revoke": "Revoked: its next request is refused.", "remove": "Removed."}


@get("/agentlets", action="view")
async def agentlets(request: AnyRequest) -> Html:
    me, filters = identity_of(request), asked(request, "search", "state")
    found = await office_of(request).call(lambda control: control.agentlets.list(
        me, page_asked(request), search=filters["search"] or "", state=filters["state"]))
    return page(request, "fleet/agentlets.html", part="rows", agentlets=found, filters=filters, form=Form())


@post("/agentlets/invite", action=CHANGED, status_code=200)
async def invite(request: AnyRequest) -> Html:
    form, me = await sent_form(request), identity_of(request)
    url = form.text("url") or request.app.state.get("agents_url")
    form.require("host")

    def act(control: Control) -> str:
        authority = control.desk.office.ca
        authority.create()
        running = control.desk.servers.running()
        base = server_url(url, running, authority)
        made = control.agentlets.invite(me, form.text("host"), None, VALID_S)
        return install_line(base, made.token, server_pin(base, running, authority))

    try:
        line = await tried(request, form, act)
    except Wrong:
        return page(request, "fleet/invite.html", status=422, form=form, line="", host="", since="")
    return page(request, "fleet/invite.html", form=form, line=line, host=form.text("host"), since=utc_now().isoformat())


@get("/agentlets/wait/{host:str}", action=CHANGED)
async def wait(request: AnyRequest, host: FromPath[str]) -> Stream:
    """Server-sent: ``enrolled`` once the host's agentlet is there, as a piece of the dialog."""
    me, since = identity_of(request), datetime.fromisoformat(request.query_params.get("since", utc_now().isoformat()))
    office = office_of(request)

    async def parts() -> AsyncIterator[bytes]:
        yield b"retry: 3000\n\n"
        waited = 0.0
        while waited < WAIT_S:
            one = await office.call(lambda control: _enrolled(control, me, host, since))
            if one is not None:
                html = environment().get_template("fleet/enrolled.html").render(agentlet=one)
                yield f"event: enrolled\ndata: {' '.join(html.split())}\n\n".encode()
                return
            if round(waited / LOOK_S) % 10 == 9:
                if not await is_still_known(request):
                    return
                yield b": waiting\n\n"
            await asyncio.sleep(LOOK_S)
            waited += LOOK_S

    return Stream(parts(), media_type=MEDIA_TYPE, headers=HEADERS)


def _enrolled(control: Control, me: Identity, host: str, since: datetime) -> Agentlet | None:
    try:
        one = control.agentlets.show(me, host).agentlet
    except NotFound:
        return None
    return one if one.state == "active" and one.enrolled >= since else None


@get("/agentlets/{name:str}", action="view")
async def agentlet(request: AnyRequest, name: FromPath[str]) -> Html:
    me = identity_of(request)
    detail, lines = await office_of(request).call(lambda control: (
        control.agentlets.show(me, name), control.agentlets.logs(me, name, 200)))
    return page(request, "fleet/agentlet.html", detail=detail, agentlet=detail.agentlet, lines=lines)


@post("/agentlets/{name:str}/{act:str}", action=CHANGED, status_code=200)
async def act_on_agentlet(request: AnyRequest, name: FromPath[str], act: FromPath[str]) -> Html:
    me = identity_of(request)
    if act not in ACTS:
        raise NotFound(f"there is no act {act!r}")
    await office_of(request).call(lambda control: getattr(control.agentlets, act)(me, name))
    return go(request, "/agentlets" if act == "remove" else f"/agentlets/{name}", ACTS[act])


HANDLERS = [agentlets, invite, wait, agentlet, act_on_agentlet]
