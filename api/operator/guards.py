"""The guard of every route. A handler names its action (`access.rights.ACTIONS`), or says that it is open to all:

    @get("/users", action="user.view")
    @post("/auth/login", open_to_all=True)

The guard lets in whoever may do the action anywhere; handlers and services look closer where it is about a part of the
fleet (`rights.refuse_unless(identity, action, Target(…))`).
"""

from __future__ import annotations

from typing import Any

from litestar import Litestar
from litestar._kwargs import KwargsModel
from litestar._kwargs.parameter_definition import ParameterDefinition
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.routes import HTTPRoute

from api.operator.identity import OPEN, Visit
from api.problems import Problem
from orchestrator.access import rights
from orchestrator.refusals import Refused, Unidentified

ACTION = "action"
ANY_QUERY = "any_query"
"""The option of a handler that is called by others' redirects, with parameters of theirs."""
OWN = ("own", "own.change")


def require_right(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """401 without an identity; 403 when it may do the handler's action nowhere."""
    _refuse_unknown_query(connection, handler)
    if handler.opt.get(OPEN) is True:
        return
    visit = connection.scope.get("auth")
    if not isinstance(visit, Visit) or visit.identity is None:
        refusal = visit.refusal if isinstance(visit, Visit) else None
        raise refusal or Unidentified("log in first, or send an API token", code="identity_missing",
                                      hint="Authorization: Bearer orch_…")
    action = handler.opt.get(ACTION)
    if action is None:
        if connection.scope.get("method") == "OPTIONS":
            return
        raise Refused("this route is closed")
    if visit.must_change_password and action not in OWN:
        raise Refused("set a password of your own first", code="password_change")
    if not rights.may_somewhere(visit.identity, action):
        rights.refuse_unless(visit.identity, action)
        raise Refused("this is not for you", code="forbidden")


def _refuse_unknown_query(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A filter that is misspelt would show everything, and nobody would notice."""
    known = connection.app.state["query_names"].get(id(connection.scope["route_handler"]))  # a guard is given a copy
    if known is None or handler.opt.get(ANY_QUERY) is True or not connection.scope["query_string"]:
        return
    unknown = sorted(set(connection.query_params) - known)
    if unknown:
        fields = [{"path": name[:100], "message": "there is no such parameter"} for name in unknown[:20]]
        raise Problem(400, "query_unknown", "this route has no such query parameter",
                      f"there are {', '.join(sorted(known))}" if known else None, fields=fields)


def query_names(app: Litestar, below: str) -> dict[int, frozenset[str]]:
    """The query parameters that each handler below a path declares, by the handler's id."""
    found: dict[int, frozenset[str]] = {}
    for route in app.routes:
        if isinstance(route, HTTPRoute) and route.path.startswith(below):
            for handler, model in route.route_handler_map.values():
                found[id(handler)] = frozenset(one.field_alias for one in _query_parameters(model))
    return found


def _query_parameters(model: KwargsModel) -> set[ParameterDefinition]:
    """Those of its dependencies among them. Litestar's own word for it, behind an underscore: a test holds on to it."""
    return model.expected_query_params


def check_routes(app: Litestar) -> None:
    """Raises for a handler that neither names its action nor is open: nobody adds a route by accident."""
    for route in app.routes:
        handlers = getattr(route, "route_handlers", None) or [getattr(route, "route_handler", None)]
        for handler in handlers:
            if isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}:
                continue
            action = handler.opt.get(ACTION) if handler else None
            if handler is not None and handler.opt.get(OPEN) is not True and action not in rights.ACTIONS:
                raise RuntimeError(f"{route.path} names no action of access.rights: {action!r}")
