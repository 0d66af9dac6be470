"""Plans: what would change on which host, and whether it may."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import get, post
from litestar.params import FromPath

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of
from api.ui.forms import Form, Wrong, sent_form
from api.ui.lists import asked, page_asked
from api.ui.pages import Html, go, page, tried
from api.ui.runs import Behind
from orchestrator.access.rights import may_somewhere
from orchestrator.control.control import Control
from orchestrator.plans.plans import STATES
from orchestrator.store.paging import PageRequest

MOST_CHANGES = 50


@get("/plans", action="view")
async def plans(request: AnyRequest) -> Html:
    me, filters = identity_of(request), asked(request, "state")

    def found(control: Control) -> dict[str, Any]:
        listed = control.planning.list(me, page_asked(request), state=filters["state"])
        return {"plans": listed, "runs": {one.id: control.runs.find(me, one.id) for one in listed.items}}

    return page(request, "plans/list.html", part="rows", filters=filters, states=STATES,
                **await office_of(request).call(found))


@get("/plans/{plan_id:str}", action="view")
async def plan(request: AnyRequest, plan_id: FromPath[str]) -> Html:
    return await _plan(request, plan_id, Form())


@get("/plans/{plan_id:str}/host", action="view")
async def plan_host(request: AnyRequest, plan_id: FromPath[str]) -> Html:
    """What would change on one host: each task with its differences."""
    me, host = identity_of(request), request.query_params.get("host", "")

    def found(control: Control) -> list[dict[str, Any]]:
        control.planning.show(me, plan_id)
        lines = control.runs.results(me, plan_id, PageRequest(200), host=host, status="changed").items
        wanted = [line.id for line in lines if line.item_index is None][:MOST_CHANGES]
        return [control.runs.result(me, plan_id, one) for one in wanted]

    results = await office_of(request).call(found)
    changes = await asyncio.to_thread(lambda: [Behind(one) for one in results])  # long diffs take their time
    return page(request, "plans/host.html", host=host, changes=changes, most=MOST_CHANGES)


@post("/plans/{plan_id:str}/decide", action="plan.approve", status_code=200)
async def decide(request: AnyRequest, plan_id: FromPath[str]) -> Html:
    form, me = await sent_form(request), identity_of(request)
    is_good = form.text("decision") == "approve"

    def act(control: Control) -> None:
        (control.planning.approve if is_good else control.planning.reject)(
            me, plan_id, reason=form.text("reason"), version=form.number("version"))

    try:
        await tried(request, form, act)
    except Wrong:
        return await _plan(request, plan_id, form, 422)
    return go(request, f"/plans/{plan_id}", "Approved: it may be applied." if is_good else "Rejected.")


@post("/plans/{plan_id:str}/apply", action="run.launch", status_code=200)
async def apply_plan(request: AnyRequest, plan_id: FromPath[str]) -> Html:
    me = identity_of(request)
    run_id = await office_of(request).call(lambda control: control.planning.apply(me, plan_id))
    return go(request, f"/runs/{run_id}")


async def _plan(request: AnyRequest, plan_id: str, form: Form, status: int = 200) -> Html:
    me = identity_of(request)
    one, run = await office_of(request).call(lambda control: (
        control.planning.show(me, plan_id), control.runs.find(me, plan_id)))
    hosts = sorted(((host, count) for host, count in one.hosts.items() if count), key=lambda pair: (-pair[1], pair[0]))
    unchanged = sorted(host for host, count in one.hosts.items() if not count)
    return page(request, "plans/plan.html", part="decision", status=status, plan=one, run=run, form=form, hosts=hosts,
                unchanged=unchanged,
                may_decide=may_somewhere(me, "plan.approve"), may_apply=may_somewhere(me, "run.launch"))


HANDLERS = [plans, plan, plan_host, decide, apply_plan]
