"""The description of the API (OpenAPI 3.1), and a page of it that loads nothing from outside."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, Router, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import FromPath

from api.operator.identity import CSRF_HEADER, OPEN, SECURE_COOKIE
from api.problems import MEDIA_TYPE
from orchestrator.refusals import NotFound

FOLDER = Path(__file__).with_name("swagger")
FILES = {"swagger-ui-bundle.js": "text/javascript", "init.js": "text/javascript", "swagger-ui.css": "text/css",
         "favicon-32x32.png": "image/png"}
PATH = "/api/docs"
STREAMS = {"export_audit": ("application/x-ndjson", "text/csv")}
METHODS = ("get", "post", "put", "patch", "delete")
PROBLEM = {
    "type": "object", "title": "Problem", "required": ["status", "title", "code", "detail", "time"],
    "properties": {
        "status": {"type": "integer"}, "title": {"type": "string"}, "detail": {"type": "string"},
        "code": {"type": "string", "description": "stable; for programs"}, "hint": {"type": "string"},
        "time": {"type": "number", "description": "the server's clock"},
        "fields": {"type": "array", "items": {
            "type": "object", "required": ["path", "message"],
            "properties": {"path": {"type": "string"}, "message": {"type": "string"}}}},
    },
}
SECURITY = Components(security_schemes={
    "token": SecurityScheme(type="http", scheme="bearer", description="An API token: orch_…"),
    "session": SecurityScheme(type="apiKey", name=SECURE_COOKIE, security_scheme_in="cookie",
                              description=f"With {CSRF_HEADER.upper()} on every method that changes something"),
})


class Description(JsonRenderPlugin):
    """openapi.json, in which every operation has its errors as they are: problem+json."""

    def __init__(self) -> None:
        super().__init__(path="/openapi.json")
        self._made: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        if self._made is None:
            self._made = msgspec.json.encode(described(openapi_schema), enc_hook=str)
        return self._made


class Page(OpenAPIRenderPlugin):
    def __init__(self) -> None:
        super().__init__(path="/", media_type=MediaType.HTML)

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return (FOLDER / "index.html").read_bytes()


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """With one answer for all errors instead of Litestar's own."""
    schema.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    problem = {"description": "What is wrong, and what to do", "content": {
        MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for path in schema["paths"].values():
        for method in METHODS:
            operation = path.get(method)
            if operation is None:
                continue
            answers = operation.setdefault("responses", {})
            for status in [status for status in answers if status.startswith(("4", "5"))]:
                del answers[status]
            answers["default"] = problem
            answers.get("204", {}).pop("content", None)
            if operation.get("operationId") in STREAMS:
                answers["200"]["content"] = {kind: {"schema": {"type": "string"}}
                                             for kind in STREAMS[operation["operationId"]]}
    return schema


@get("/files/{name:str}", sync_to_thread=False, include_in_schema=False)
def page_file(name: FromPath[str]) -> Response[bytes]:
    if name not in FILES:
        raise NotFound(f"there is no {name!r}")
    return Response((FOLDER / name).read_bytes(), media_type=FILES[name],
                    headers={"Cache-Control": "private, max-age=86400"})


def openapi_config() -> OpenAPIConfig:
    """For whoever is logged in: what there is, is nobody else's business."""
    return OpenAPIConfig(
        title="orch", version=version("orch-fleet"), use_handler_docstrings=True, components=SECURITY,
        security=[{"token": []}, {"session": []}], render_plugins=[Page(), Description()],
        openapi_router=Router(PATH, route_handlers=[page_file], opt={"action": "own", OPEN: False},
                              include_in_schema=False))
