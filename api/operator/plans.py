"""Plans: what a run in check mode would change, approved or rejected, and applied."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct

from api.operator.conventions import AnyRequest, created, versioned
from api.operator.identity import identity_of, office_of
from orchestrator.plans.plans import LONGEST_REASON, Plan
from orchestrator.runs.asking import RunDetail
from orchestrator.store.paging import Page, PageRequest

Reason = Annotated[str, Meta(max_length=LONGEST_REASON)]


class Decision(Struct, forbid_unknown_fields=True):
    reason: Reason = ""


class Rejection(Struct, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(min_length=1, max_length=LONGEST_REASON)]


class PlanController(Controller):
    """A plan has the id of the run that made it; what it would change is in that run's results."""

    path = "/plans"
    tags = ["plans"]

    @get("/", action="view", operation_id="list_plans")
    async def list_plans(
        self, request: AnyRequest, page: NamedDependency[PageRequest],
        status: FromQuery[Literal["proposed", "approved", "rejected", "applied"] | None] = None,
    ) -> Page[Plan]:
        """The newest first. Sorts: created, changes."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.planning.list(who, page, state=status))

    @get("/{plan_id:str}", action="view", operation_id="show_plan")
    async def show(self, request: AnyRequest, plan_id: FromPath[str]) -> Response[Plan]:
        who = identity_of(request)
        return versioned(await office_of(request).call(lambda control: control.planning.show(who, plan_id)))

    @post("/{plan_id:str}/approve", action="plan.approve", operation_id="approve_plan", status_code=200)
    async def approve(self, request: AnyRequest, plan_id: FromPath[str], data: JSONBody[Decision],
                      if_match: NamedDependency[int | None]) -> Response[Plan]:
        who = identity_of(request)
        return versioned(await office_of(request).call(
            lambda control: control.planning.approve(who, plan_id, reason=data.reason, version=if_match)))

    @post("/{plan_id:str}/reject", action="plan.approve", operation_id="reject_plan", status_code=200)
    async def reject(self, request: AnyRequest, plan_id: FromPath[str], data: JSONBody[Rejection],
                     if_match: NamedDependency[int | None]) -> Response[Plan]:
        who = identity_of(request)
        return versioned(await office_of(request).call(
            lambda control: control.planning.reject(who, plan_id, reason=data.reason, version=if_match)))

    @post("/{plan_id:str}/apply", action="run.launch", operation_id="apply_plan")
    async def apply(self, request: AnyRequest, plan_id: FromPath[str],
                    idempotency_key: NamedDependency[str | None]) -> Response[RunDetail]:
        """Launch the run that makes the planned changes. It refuses to begin when the plan does not hold any more."""
        who = identity_of(request)

        def act(control: Any) -> RunDetail:
            run_id = control.planning.apply(who, plan_id, idempotency_key)
            shown: RunDetail = control.runs.show(who, run_id)
            return shown

        detail = await office_of(request).call(act)
        return created(detail, f"/api/v1/runs/{detail.run.id}")
