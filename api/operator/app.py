"""The operator's API and page as one application.

A new noun of the API is one file with a Controller, and one entry in CONTROLLERS; the page's handlers are in PAGES.
"""

from __future__ import annotations

from typing import Any

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.exceptions import HTTPException, ValidationException

from api import problems
from api.operator.agents import AgentController
from api.operator.alerts import AlertController
from api.operator.audit import AuditController
from api.operator.auth import AuthController
from api.operator.conventions import DEPENDENCIES, SafeResponse, on_recursion, on_validation
from api.operator.credentials import CredentialController, CredentialKindController
from api.operator.drift import DriftController
from api.operator.entrance import Entrance
from api.operator.guards import check_routes, query_names, require_right
from api.operator.health import HealthController
from api.operator.hosts import FleetController, HostController
from api.operator.identity import Door, Identify, Limits
from api.operator.inventories import InventoryController
from api.operator.inventory_entries import InventoryGroupController, InventoryHostController
from api.operator.metrics import MetricsController
from api.operator.notifications import ChannelController, DeliveryController
from api.operator.office import Office
from api.operator.oidc import OidcController
from api.operator.openapi import openapi_config
from api.operator.plans import PlanController
from api.operator.playbooks import PlaybookController
from api.operator.projects import ProjectController
from api.operator.runs import RunController
from api.operator.schedules import ScheduleController
from api.operator.settings import SettingController
from api.operator.users import GrantController, UserController
from api.operator.workers import WorkerController
from api.ui.app import PAGE
from orchestrator.errors import OrchError, StoreError
from orchestrator.refusals import Refused

ROOT = "/api/v1"
MOST_BODY_BYTES = 4 << 20
CONTROLLERS: tuple[Any, ...] = (
    AuditController,
    AuthController,
    OidcController,
    SettingController,
    UserController,
    GrantController,
    RunController,
    PlanController,
    WorkerController,
    CredentialController,
    CredentialKindController,
    ProjectController,
    PlaybookController,
    InventoryController,
    InventoryHostController,
    InventoryGroupController,
    HostController,
    FleetController,
    AgentController,
    ScheduleController,
    DriftController,
    AlertController,
    ChannelController,
    DeliveryController,
)
PAGES: tuple[Any, ...] = (PAGE, HealthController, MetricsController)
"""Handlers outside of the API: the page, its assets, and what machines ask."""


def operator_app(office: Office, door: Door | None = None, limits: Limits | None = None,
                 **state: Any) -> Litestar:
    """Every route is closed unless its handler says ``open_to_all``: middleware and guard are the app's.

    ``state``: what handlers find in ``request.app.state`` besides ``office`` and ``door``.
    """
    door = door or Door()
    app = Litestar(
        route_handlers=[Router(ROOT, route_handlers=list(CONTROLLERS)), *PAGES],
        middleware=[Identify], guards=[require_right], dependencies=DEPENDENCIES,
        exception_handlers={
            problems.Problem: problems.on_problem, Refused: problems.on_refused, StoreError: problems.on_store_error,
            OrchError: problems.on_orch_error,
            ValidationException: on_validation, RecursionError: on_recursion, HTTPException: problems.on_http_exception,
            Exception: problems.on_anything,
        },
        state=State({"office": office, "door": door, "limits": limits or Limits(), **state}),
        response_class=SafeResponse, openapi_config=openapi_config(), logging_config=None, debug=False,
        request_max_body_size=MOST_BODY_BYTES,
    )
    check_routes(app)
    app.state["query_names"] = query_names(app, ROOT)
    app.asgi_handler = Entrance(app.asgi_handler, door)
    return app
