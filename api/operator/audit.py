"""The audit trail: by pages, and exported as a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Annotated, Literal

from litestar import Controller, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, is_still_known, office_of
from orchestrator.access.rights import Identity
from orchestrator.access.trail import AuditEntry, AuditFilter, as_csv, as_ndjson
from orchestrator.control.control import Control
from orchestrator.store.paging import Page, PageRequest

Text = Annotated[str | None, QueryParameter(max_length=200, required=False)]
Moment = Annotated[datetime | None, QueryParameter(required=False, description="RFC 3339")]


def wanted(actor: Text = None, action: Text = None, subject: Text = None, outcome: Text = None, address: Text = None,
           since: Moment = None, until: Moment = None) -> AuditFilter:
    return AuditFilter(actor, action, subject, outcome, address, since, until)


class AuditController(Controller):
    path = "/audit"
    tags = ["audit"]
    dependencies = {"wanted": Provide(wanted, sync_to_thread=False)}

    @get("/", action="audit.view", operation_id="list_audit")
    async def list_audit(self, request: AnyRequest, page: NamedDependency[PageRequest],
                         wanted: NamedDependency[AuditFilter]) -> Page[AuditEntry]:
        """Who did what, to what, from where, and what was refused. Sort: at. ``action=user.``: all that begin so."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.trail.list(who, page, wanted))

    @get("/export", action="audit.view", operation_id="export_audit")
    async def export(self, request: AnyRequest, wanted: NamedDependency[AuditFilter],
                     form: FromQuery[Literal["ndjson", "csv"]] = "ndjson") -> Stream:
        """All entries that match, the oldest first, as one object per line or as CSV."""
        who, office = identity_of(request), office_of(request)
        await office.call(lambda control: control.trail.note_export(who, form))

        async def parts() -> AsyncIterator[bytes]:
            after, first = 0, True
            while True:
                found = await office.call(partial(_chunk, who, wanted, after))
                if found or first:
                    yield as_csv(found, first) if form == "csv" else as_ndjson(found)
                if not found or not await is_still_known(request):
                    return
                after, first = found[-1].id, False

        kind = "text/csv" if form == "csv" else "application/x-ndjson"
        return Stream(parts(), media_type=kind,
                      headers={"Content-Disposition": f'attachment; filename="orch-audit.{form}"'})


def _chunk(who: Identity, wanted: AuditFilter, after: int, control: Control) -> list[AuditEntry]:
    return control.trail.chunk(who, wanted, after)
