"""Is it alive, is it ready, and how is each part."""

from __future__ import annotations

from litestar import Controller, Response, get
from msgspec import Struct

from api.operator.conventions import AnyRequest
from api.operator.identity import office_of, visit_of
from orchestrator.access import rights
from orchestrator.control.health import FAILED, OK, Health, Part


class Alive(Struct):
    state: str


class HealthController(Controller):
    """Below the root, for load balancers; strangers are told one word, viewers each part."""

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
            found = Health(FAILED, {"server": Part(FAILED, "it is about to stop")})
        else:
            found = await office_of(request).call(lambda control: control.health.look())
        status = 503 if found.state == FAILED else 200
        if who is None or not rights.may(who, "view"):
            found = Health(found.state, {})
        return Response(found, status_code=status)
