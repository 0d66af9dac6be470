"""The page: all its views, as one router of the operator's application.

A view is a handler here, a template in templates/, and nothing else: no build step, no state in the browser but what
is seen. Handlers render what Control gives; rights are the services', the session and its CSRF token the API's.
"""

from __future__ import annotations

from litestar import Router
from litestar.exceptions import HTTPException

from api.problems import Problem
from api.ui import (
    access,
    agentlets,
    credentials,
    fleet,
    inventories,
    launch,
    pages,
    people,
    plans,
    projects,
    records,
    runs,
    schedules,
    watching,
)
from api.ui.assets import static_file
from orchestrator.errors import OrchError, StoreError
from orchestrator.refusals import Refused

VIEWS = (access, fleet, agentlets, launch, runs, plans, schedules, projects, inventories, credentials, people, watching,
         records)
PAGE = Router(
    "/", route_handlers=[static_file, *(handler for view in VIEWS for handler in view.HANDLERS)],
    include_in_schema=False,
    exception_handlers={Refused: pages.on_refused, Problem: pages.on_problem, StoreError: pages.on_orch_error,
                        OrchError: pages.on_orch_error, HTTPException: pages.on_http_exception,
                        Exception: pages.on_anything},
)
