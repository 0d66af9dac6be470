"""The workers that drive runs."""

from __future__ import annotations

from collections.abc import Sequence

from litestar import Controller, get

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of
from orchestrator.runs.workers import Worker


class WorkerController(Controller):
    path = "/workers"
    tags = ["workers"]

    @get("/", action="view", operation_id="list_workers")
    async def list_workers(self, request: AnyRequest) -> Sequence[Worker]:
        """All that showed themselves within a day; ``state`` says which are there."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.dispatch.workers.seen_by(who))
