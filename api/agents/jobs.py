"""A job's way: claimed, started, its events, its end. A job of another agent's is 404, as one that does not exist."""

from __future__ import annotations

import json
from typing import Annotated, Any

from litestar import Controller, Request, Response, post, put
from litestar.params import FromPath, FromQuery
from msgspec import Meta, Struct

from api.agents.gateway import answer
from api.problems import Problem
from api.protection import parse
from orchestrator.agents.desk import Desk
from orchestrator.agents.identity import Caller
from orchestrator.agents.records import Incomplete
from orchestrator.agents.results import MOST_HEADS

MAX_META_CHARS = 16 * 1024
Attempt = Annotated[int, Meta(ge=1, le=1 << 31)]
Key = Annotated[str, Meta(max_length=64)]
Seq = Annotated[int, Meta(ge=1, le=1 << 53)]


class AttemptRequest(Struct):
    attempt: Attempt
    key: Key = ""
    """The claimant's own random text: who asks twice since an answer was lost is told the same."""


class ResumeRequest(Struct):
    attempt: Attempt
    key: Key
    next_key: Annotated[str, Meta(min_length=16, max_length=64)]
    count: Annotated[int, Meta(ge=0, le=1 << 53)]
    """Of the events that it has."""


class EventsRequest(Struct):
    attempt: Attempt
    first_seq: Seq
    heads: Annotated[list[str], Meta(max_length=MOST_HEADS)]
    """The frames' headers as JSON texts, byte for byte as they are counted in the digest."""
    key: Key = ""
    """What it was claimed with: a copy of the host has another one."""


class FinishRequest(Struct):
    attempt: Attempt
    status: Annotated[str, Meta(max_length=40)]
    count: Annotated[int, Meta(ge=0, le=1 << 53)]
    digest: Annotated[str, Meta(max_length=64)]
    evicted: int = 0
    key: Key = ""


class JobController(Controller):
    path = "/jobs/{job:str}"

    @post("/claim", status_code=200)
    async def claim(self, request: Request[Any, Any, Any], job: FromPath[str]) -> dict[str, Any]:
        wanted = parse(request.auth.body, AttemptRequest)

        def act(desk: Desk, caller: Caller) -> dict[str, Any]:
            claimed = desk.claim(caller, job, wanted.attempt, wanted.key)
            return {"envelope": claimed.envelope, "signature": claimed.signature, "lease_s": claimed.lease_s}

        return await answer(request, act)

    @post("/start", status_code=200)
    async def start(self, request: Request[Any, Any, Any], job: FromPath[str]) -> dict[str, Any]:
        wanted = parse(request.auth.body, AttemptRequest)

        def act(desk: Desk, caller: Caller) -> dict[str, Any]:
            desk.start(caller, job, wanted.attempt, wanted.key)
            return {}

        return await answer(request, act)

    @post("/resume", status_code=200)
    async def resume(self, request: Request[Any, Any, Any], job: FromPath[str]) -> dict[str, Any]:
        """A begun attempt goes on after a reboot: of two copies of a host one is answered 200, the other 409."""
        wanted = parse(request.auth.body, ResumeRequest)

        def act(desk: Desk, caller: Caller) -> dict[str, Any]:
            desk.resume(caller, job, wanted.attempt, wanted.key, wanted.next_key, wanted.count)
            return {}

        return await answer(request, act)

    @post("/events", status_code=200)
    async def events(self, request: Request[Any, Any, Any], job: FromPath[str]) -> dict[str, Any]:
        """Takes events once, in order; doubled ones change nothing, a gap is 416 with what is awaited."""
        wanted = parse(request.auth.body, EventsRequest)
        return await answer(request, lambda desk, caller: {
            "next_seq": desk.add_events(caller, job, wanted.attempt, wanted.first_seq, wanted.heads, wanted.key)})

    @post("/finish", status_code=200)
    async def finish(self, request: Request[Any, Any, Any], job: FromPath[str]) -> Response[dict[str, Any]]:
        """200 once every event is here, 202 with the first that is missing until then."""
        wanted = parse(request.auth.body, FinishRequest)

        def act(desk: Desk, caller: Caller) -> dict[str, Any]:
            end = desk.finish(caller, job, wanted.attempt, wanted.status, wanted.count, wanted.digest, wanted.evicted,
                              wanted.key)
            return {"next_seq": end.next_seq} if isinstance(end, Incomplete) else {}

        found = await answer(request, act)
        return Response(found, status_code=202 if "next_seq" in found else 200)

    @put("/uploads/{stream:str}", status_code=200)
    async def upload(self, request: Request[Any, Any, Any], job: FromPath[str], stream: FromPath[str],
                     attempt: FromQuery[int], offset: FromQuery[int], last: FromQuery[int] = 0,
                     meta: FromQuery[str] = "", key: FromQuery[str] = "") -> dict[str, Any]:
        """A piece of a file that the host sends; from another offset than the awaited one: 416.

        ``meta``: what the host says of the file (path, size, mode), a JSON object, with the first piece. Nothing here
        relies on it. ``key``: as with events.
        """
        if attempt < 1 or offset < 0:
            raise Problem(400, "request_invalid", "attempts count from 1, offsets from 0")
        data, said = request.auth.body, _meta(meta)

        def act(desk: Desk, caller: Caller) -> dict[str, Any]:
            return {"size": desk.put_upload(caller, job, attempt, stream, offset, bool(last), data, said, key)}

        return await answer(request, act)


def _meta(text: str) -> dict[str, Any]:
    """By the standard library: a path whose bytes are no UTF-8 has lone surrogates, which it keeps."""
    try:
        found = json.loads(text) if len(text) <= MAX_META_CHARS else None
    except (ValueError, RecursionError):
        found = None
    if text and not isinstance(found, dict):
        raise Problem(400, "request_invalid", f"meta is a JSON object of {MAX_META_CHARS} characters at most")
    return found or {}
