"""Enrolling by a one-time token, and renewing: the two routes that hand out identities."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, post
from msgspec import Struct, field, to_builtins

from api.agents.gateway import answer, gateway_of
from api.agents.identity import OPEN, RECOVERY
from api.problems import Problem
from api.protection import bounded, parse
from orchestrator.agents.records import Enrolled

MAX_CSR_CHARS = 16 * 1024


class EnrolRequest(Struct):
    token: str
    csr: str | None = None
    token_only: bool = False
    machine_id: str = ""
    instance_id: str = ""
    python: list[int] = []
    platform: str = ""
    facts: dict[str, Any] = {}
    protocols: list[int] = field(default_factory=lambda: [1])
    version: str = ""


class RenewRequest(Struct):
    csr: str | None = None


class EnrolmentController(Controller):
    @post("/enrol", opt={OPEN: True}, status_code=200)
    async def enrol(self, request: Request[Any, Any, Any]) -> dict[str, Any]:
        """An agent's identity for an invitation's token, once."""
        gateway, call = gateway_of(request), request.auth
        gateway.check_try(call.address)
        wanted = parse(call.body, EnrolRequest)
        bounded(wanted.facts, "facts")
        _check_csr(wanted.csr)
        claims = to_builtins(wanted)
        token, csr = claims.pop("token"), claims.pop("csr")
        enrolled = await gateway.desk.call(lambda desk: desk.enrol(token, csr, claims, address=call.address))
        return identity_values(enrolled)

    @post("/renew", opt={RECOVERY: True}, status_code=200)
    async def renew(self, request: Request[Any, Any, Any]) -> dict[str, Any]:
        """A new certificate and new keys; the old ones hold until the new ones are used."""
        wanted = parse(request.auth.body, RenewRequest)
        _check_csr(wanted.csr)
        return await answer(request, lambda desk, caller: identity_values(desk.renew(caller, wanted.csr)))


def _check_csr(csr: str | None) -> None:
    if csr is not None and len(csr) > MAX_CSR_CHARS:
        raise Problem(400, "request_invalid", "a certificate request has 16 KiB at most")


def identity_values(enrolled: Enrolled) -> dict[str, Any]:
    return {"agent": enrolled.agent_id, "host": enrolled.host, "certificate": enrolled.certificate,
            "ca": enrolled.ca, "token": enrolled.token, "job_key": enrolled.job_key, "config": enrolled.config}
