"""Is it alive, is it ready, and how is each part."""

from __future__ import annotations

import asyncio

from litestar import Controller, Response, get
from msgspec import Struct

from api.operator.conventions import AnyRequest
from api.operator.identity import PATIENCE_S, office_of, visit_of
from api.operator.office import Office
from orchestrator.access import rights
from orchestrator.control.health import FAILED, OK, Health, Part
from orchestrator.errors import StoreError

AWAY = Part(FAILED, "it does not answer")
"""The database. Everybody is told: nobody can be known while it is away, and every route says as much."""


class Alive(Struct):
    state: str


class HealthController(Controller):
    """Below the root, for load balancers; strangers are told one word (and of a database that is away), viewers each
    part."""

    path = "/health"
    tags = ["health"]

    @get("/live", open_to_all=True, operation_id="live")
    async def live(self) -> Alive:
        return Alive(OK)

    @get("/", open_to_all=True, operation_id="health")
    async def health(self, request: AnyRequest) -> Response[Health]:
        """503 while it is not ready: the database does not answer, or runs wait and no worker is alive."""
        who = visit_of(request).identity
        if request.app.state.get("stopping"):
            return Response(Health(FAILED, {"server": Part(FAILED, "it is about to stop")}), status_code=503)
        found = await looked(office_of(request))
        status = 503 if found.state == FAILED else 200
        if who is None or not rights.may(who, "view"):
            found = Health(found.state, {name: part for name, part in found.parts.items() if part is AWAY})
        return Response(found, status_code=status)


async def looked(office: Office) -> Health:
    """How each part is; within `PATIENCE_S`, also where the database keeps all who ask it waiting."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = await office.call(lambda control: control.health.look())
    except (StoreError, TimeoutError):
        found = Health(FAILED, {"database": AWAY})
    if found.parts["database"].state == FAILED:
        found.parts["database"] = AWAY
    return found
