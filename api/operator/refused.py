"""Refusals in the audit trail: what a known user was refused, and what it wanted to change that is not there for it."""

from __future__ import annotations

import logging

from litestar.types import HTTPScope

from api.operator.guards import ACTION
from api.operator.identity import SAFE
from api.problems import Problem
from orchestrator.errors import StoreError

CODES = {403: "forbidden", 404: "not_found"}
LONGEST = 200
LOG = logging.getLogger("orch.api")


async def note_refused(scope: HTTPScope, status: int) -> None:
    """Called once the answer is sent. Of the same again within a minute the trail has a count."""
    identity = getattr(scope.get("auth"), "identity", None)
    action = scope["route_handler"].opt.get(ACTION) if "route_handler" in scope else None
    if identity is None or action is None or status not in CODES or (status == 404 and scope["method"] in SAFE):
        return
    subject = f"{scope['method']} {scope['path']}"[:LONGEST]
    try:
        await scope["litestar_app"].state["office"].call(lambda control: control.books.audit.refused(
            identity.name, action, subject, CODES[status], identity.address))
    except (Problem, StoreError) as error:
        LOG.warning("a refusal is not in the audit trail: %s", error.message)
