"""Errors as RFC 9457 tells them: ``application/problem+json`` with a stable ``code`` and a ``hint`` for the operator.

Nothing of the server's inside is in them. What orch did not foresee is a 500 with a code, and its traceback in the log.
"""

from __future__ import annotations

import logging
import time
from http import HTTPStatus
from math import ceil
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from orchestrator.errors import Faults, OrchError, StoreError
from orchestrator.refusals import Conflict, Malformed, NotFound, Refused, Rewind, Stale, Throttled, Unidentified

MEDIA_TYPE = "application/problem+json"
BUSY_RETRY_S = 5
CODES = {400: "request_invalid", 401: "identity_missing", 404: "not_found", 405: "method_not_allowed",
         413: "body_too_large"}
REFUSALS: tuple[tuple[type[Refused], int], ...] = (
    (Unidentified, 401), (NotFound, 404), (Conflict, 409), (Malformed, 400), (Rewind, 416),
    (Stale, 412), (Throttled, 429), (Refused, 403),
)
LOG = logging.getLogger("orch.api")


class Problem(Exception):
    """An answer other than success. ``fields`` go into the object, beside the code.

    So does the server's time: a client whose clock is wrong finds out by it.
    """

    def __init__(self, status: int, code: str, message: str, hint: str | None = None, *,
                 headers: dict[str, str] | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.hint = status, code, message, hint
        self.headers = headers or {}
        self.fields = fields

    def response(self) -> Response[bytes]:
        body: dict[str, Any] = {"status": self.status, "title": HTTPStatus(self.status).phrase, "code": self.code,
                                "detail": self.message, "time": time.time()}
        if self.hint:
            body["hint"] = self.hint
        return Response(msgspec.json.encode(body | self.fields), status_code=self.status, media_type=MEDIA_TYPE,
                        headers=self.headers)


def busy(code: str, message: str, retry_s: int = BUSY_RETRY_S, **headers: str) -> Problem:
    return Problem(503, code, message, headers={"Retry-After": str(retry_s), **headers})


def on_problem(request: Request[Any, Any, Any], problem: Problem) -> Response[bytes]:
    return problem.response()


def on_refused(request: Request[Any, Any, Any], refused: Refused) -> Response[bytes]:
    status = next(status for kind, status in REFUSALS if isinstance(refused, kind))
    fields: dict[str, Any] = {"next_seq": refused.next} if isinstance(refused, Rewind) else {}
    if isinstance(refused, Malformed) and refused.fields:
        fields["fields"] = [{"path": path, "message": message} for path, message in refused.fields]
    headers = {"Retry-After": str(ceil(refused.retry_s))} if isinstance(refused, Throttled) else {}
    return Problem(status, refused.code, refused.message, refused.hint, headers=headers, **fields).response()


def on_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What Litestar itself refuses: unknown paths and methods, parameters of another type."""
    status = error.status_code
    if status >= 500:
        return on_anything(request, error)
    problem = Problem(status, CODES.get(status, "request_invalid"), HTTPStatus(status).phrase)
    if status == 405 and error.headers and "Allow" in error.headers:
        problem.headers["Allow"] = error.headers["Allow"]
    return problem.response()


def on_store_error(request: Request[Any, Any, Any], error: StoreError) -> Response[bytes]:
    LOG.error("the store: %s", error.message)
    return busy("store_unavailable", "the server cannot reach its store at the moment").response()


def on_orch_error(request: Request[Any, Any, Any], error: OrchError) -> Response[bytes]:
    """What is wrong with content that the request is about: a file that cannot be read, a repository that is away."""
    errors = error.errors if isinstance(error, Faults) else (error,)
    return Problem(422, error.code, "; ".join(one.message for one in errors[:5])[:2_000], error.hint).response()


def on_anything(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    # The route's pattern, not the path: an invitation's token may be in that.
    LOG.error("%s %s", request.method, request.scope.get("path_template"), exc_info=error)
    return Problem(500, "unexpected", "a fault of the server; its log tells more").response()
