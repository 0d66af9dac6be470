"""The agent gateway as an ASGI application."""

from __future__ import annotations

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from api import problems
from api.agents.blobs import BlobController
from api.agents.enrolment import EnrolmentController
from api.agents.gateway import Gateway
from api.agents.identity import Identity, require_agent
from api.agents.install import InstallController
from api.agents.jobs import JobController
from api.agents.polling import PollController
from api.agents.update import UpdateController
from api.agents.upkeep import UpkeepController
from orchestrator.errors import StoreError
from orchestrator.refusals import Refused

ROOT = "/agent/v1"
CONTROLLERS = (EnrolmentController, PollController, JobController, BlobController, UpkeepController, UpdateController)


def gateway_app(gateway: Gateway) -> Litestar:
    """Every route asks for an identity unless its handler says that it is open: middleware and guard are the app's."""
    return Litestar(
        route_handlers=[Router(ROOT, route_handlers=list(CONTROLLERS)), InstallController],
        middleware=[Identity], guards=[require_agent],
        exception_handlers={
            problems.Problem: problems.on_problem, Refused: problems.on_refused, StoreError: problems.on_store_error,
            HTTPException: problems.on_http_exception, Exception: problems.on_anything,
        },
        state=State({"gateway": gateway}), openapi_config=None, logging_config=None, debug=False,
        request_max_body_size=None,  # api.protection reads bodies, and bounds them
    )
