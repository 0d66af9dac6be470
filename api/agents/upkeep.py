"""What an agent says and asks beside its jobs: signs of life, its log, its configuration."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, get, post
from msgspec import Meta, Struct

from api.agents.gateway import answer
from api.protection import bounded, parse
from orchestrator.agents.desk import Desk
from orchestrator.agents.identity import Caller
from orchestrator.agents.jobs import MOST_NAMED
from orchestrator.agents.records import Held

MOST_LINES = 1_000


class HeartbeatRequest(Struct):
    running: Annotated[list[Held], Meta(max_length=MOST_NAMED)] = []
    stats: dict[str, Any] = {}


class LogsRequest(Struct):
    lines: Annotated[list[Annotated[str, Meta(max_length=256 * 1024)]], Meta(max_length=MOST_LINES)]


class UpkeepController(Controller):
    @post("/heartbeat", status_code=200)
    async def heartbeat(self, request: Request[Any, Any, Any]) -> dict[str, Any]:
        """Renews the leases of the jobs that are running; of ``stats`` the latest is kept."""
        wanted = parse(request.auth.body, HeartbeatRequest)
        bounded(wanted.stats, "stats")

        def act(desk: Desk, caller: Caller) -> dict[str, Any]:
            version = wanted.stats.get("version")
            desk.vitals.keep(caller.agent.id, wanted.stats)
            return {"orders": desk.heartbeat(caller, wanted.running, version if isinstance(version, str) else "")}

        return await answer(request, act)

    @get("/config")
    async def config(self, request: Request[Any, Any, Any]) -> dict[str, Any]:
        return await answer(request, lambda desk, caller: {"config": desk.config(caller.agent)})

    @post("/logs", status_code=200)
    async def logs(self, request: Request[Any, Any, Any]) -> dict[str, Any]:
        lines = parse(request.auth.body, LogsRequest).lines

        def act(desk: Desk, caller: Caller) -> dict[str, Any]:
            desk.log(caller.agent, lines)
            return {}

        return await answer(request, act)
