"""The agentlet's next version: its manifest, and its file."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, Response, get
from litestar.params import FromPath

from api.agents.gateway import answer
from api.problems import Problem
from orchestrator.agents.desk import Desk
from orchestrator.agents.identity import Caller
from orchestrator.agents.releases import signed_manifest, this_release


class UpdateController(Controller):
    @get("/update")
    async def manifest(self, request: Request[Any, Any, Any]) -> dict[str, Any]:
        """The newest version, signed for this agentlet; also when its ring's turn has not come."""
        def act(desk: Desk, caller: Caller) -> dict[str, Any]:
            text, signature = signed_manifest(desk.office, caller.agent, this_release())
            return {"manifest": text, "signature": signature}

        return await answer(request, act)

    @get("/update/{version:str}")
    async def file(self, request: Request[Any, Any, Any], version: FromPath[str]) -> Response[bytes]:
        release = this_release()
        if version != release.version:
            raise Problem(404, "version_unknown", "the server has another version now", "ask for the manifest again")
        return Response(release.data, media_type="application/zip")
