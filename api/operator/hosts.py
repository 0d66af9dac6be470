"""The fleet: hosts over all inventories, with what is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Controller, delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of
from orchestrator.projects.fleet import Counts, FleetHost
from orchestrator.projects.host_history import Point, RunOnHost
from orchestrator.store.paging import Page, PageRequest

Status = Literal["ok", "changed", "failed", "unreachable", "lost", "interrupted", "never", "failing"]


class HostController(Controller):
    path = "/hosts"
    tags = ["hosts"]

    @get("/", action="view", operation_id="list_hosts")
    async def list_hosts(self, request: AnyRequest, page: NamedDependency[PageRequest],
                         inventory_id: FromQuery[str | None] = None, group: FromQuery[str | None] = None,
                         status: FromQuery[Status | None] = None, drifted: FromQuery[bool | None] = None,
                         search: FromQuery[str] = "") -> Page[FleetHost]:
        """Sorts: host. ``status=failing``: all that are wrong; ``group`` is one of ``inventory_id``."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.fleet.list(
            who, page, search=search, inventory_id=inventory_id, group=group, status=status, drifted=drifted))

    @get("/{host:str}", action="view", operation_id="show_host")
    async def show(self, request: AnyRequest, host: FromPath[str]) -> FleetHost:
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.fleet.show(who, host))

    @delete("/{host:str}", action="inventory.create", operation_id="forget_host")
    async def forget(self, request: AnyRequest, host: FromPath[str]) -> None:
        """Out of the fleet; 409 while an inventory or an agentlet has it. Its results stay with the runs."""
        who = identity_of(request)
        await office_of(request).call(lambda control: control.fleet.forget(who, host))

    @get("/{host:str}/facts", action="view", operation_id="host_facts")
    async def facts(self, request: AnyRequest, host: FromPath[str]) -> dict[str, Any]:
        """What the host said of itself when a run last gathered facts: data, to be escaped wherever it is shown."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.fleet.facts(who, host))

    @get("/{host:str}/runs", action="view", operation_id="host_runs")
    async def runs(self, request: AnyRequest, host: FromPath[str],
                   page: NamedDependency[PageRequest]) -> Page[RunOnHost]:
        """Its history: the runs that have results of it, the newest first."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.history.runs(who, host, page))

    @get("/{host:str}/stats", action="view", operation_id="host_stats")
    async def stats(self, request: AnyRequest, host: FromPath[str], since: FromQuery[datetime | None] = None,
                    until: FromQuery[datetime | None] = None,
                    points: Annotated[int, QueryParameter(ge=2, le=500)] = 300) -> Sequence[Point]:
        """Measurements for plots, thinned out; by default those of the last day."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.history.stats(who, host, since, until, points))


class FleetController(Controller):
    path = "/fleet"
    tags = ["hosts"]

    @get("/counts", action="view", operation_id="fleet_counts")
    async def counts(self, request: AnyRequest) -> Counts:
        """How many hosts there are, are online, failing, drifted."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.fleet.counts(who))
