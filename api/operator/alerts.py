"""Alerts: what is wrong until it is right again."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from api.operator.conventions import AnyRequest
from api.operator.identity import identity_of, office_of
from orchestrator.notify.records import Alert
from orchestrator.store.paging import Page, PageRequest


class AlertController(Controller):
    path = "/alerts"
    tags = ["notifications"]

    @get("/", action="view", operation_id="list_alerts")
    async def list_alerts(self, request: AnyRequest, page: NamedDependency[PageRequest],
                          open: FromQuery[bool] = True, kind: FromQuery[str | None] = None) -> Page[Alert]:
        """Those that are open, the newest first. Sorts: opened, id."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.alerts.list(
            who, page, open_only=open, kind=kind))

    @post("/{alert_id:int}/dismiss", action="alert.change", status_code=200, operation_id="dismiss_alert")
    async def dismiss(self, request: AnyRequest, alert_id: FromPath[int]) -> Alert:
        """Closed by hand. It opens again where it is still wrong."""
        who = identity_of(request)
        return await office_of(request).call(lambda control: control.alerts.dismiss(who, alert_id))
