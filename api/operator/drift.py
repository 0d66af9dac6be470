"""Drift: what scheduled plans would change, now and over time."""

from __future__ import annotations

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of
from orchestrator.scheduling.drift import Drift
from orchestrator.store.paging import Page, PageRequest


class DriftController(Controller):
    path = "/drift"
    tags = ["schedules"]

    @get("/", action="view", operation_id="list_drift")
    async def list_drift(self, request: AnyRequest, page: NamedDependency[PageRequest],
                         host: FromQuery[str | None] = None, schedule_id: FromQuery[str | None] = None,
                         drifted: FromQuery[bool | None] = None) -> Page[Drift]:
        """Every look at a host, the newest first. Sorts: at, host."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.drift.list(
            who, page, host=host, schedule_id=schedule_id, drifted=drifted))

    @get("/now", action="view", operation_id="list_drifted_hosts")
    async def now(self, request: AnyRequest, page: NamedDependency[PageRequest]) -> Page[Drift]:
        """Hosts that are not as they should be, by what each schedule last said of them. Sorts: at, host."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.drift.now(who, page))
