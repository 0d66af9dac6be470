"""Files on their way to a host, by digest, in pieces."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, Response, get
from litestar.params import FromPath, FromQuery

from api.agents.gateway import caller_of, gateway_of
from api.problems import Problem
from orchestrator.agents.files import LARGEST_CHUNK


class BlobController(Controller):
    @get("/blobs/{digest:str}")
    async def blob(self, request: Request[Any, Any, Any], digest: FromPath[str],
                   offset: FromQuery[int] = 0, size: FromQuery[int] = LARGEST_CHUNK) -> Response[bytes]:
        """At most ``size`` bytes (1 MiB) of a blob or module source of a job that this agent has claimed."""
        if offset < 0 or size < 1:
            raise Problem(400, "request_invalid", "an offset counts from 0, a size from 1")
        caller = caller_of(request)
        data = await gateway_of(request).desk.call(
            lambda desk: desk.blob(caller, digest, offset, min(size, LARGEST_CHUNK)))
        return Response(data, media_type="application/octet-stream")
