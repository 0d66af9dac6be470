"""What all routes of /api/v1 have in common: pages, versions, keys that make a POST happen once, and faults by field.

Dependencies of every handler, by the name of its parameter:

* ``page: NamedDependency[PageRequest]``         ``?limit=&cursor=&sort=``; other query parameters than those that a
                                                 handler declares are refused, so its filters are its own list
* ``if_match: NamedDependency[int]``             the version in If-Match; 428 without
* ``idempotency_key: NamedDependency[str | None]``
"""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from litestar import Request, Response
from litestar.di import Provide
from litestar.exceptions import ImproperlyConfiguredException, SerializationException, ValidationException
from litestar.params import HeaderParameter, QueryParameter
from litestar.serialization import default_serializer
from msgspec import Struct

from api.problems import Problem
from orchestrator.store.books import MOST_PER_PAGE
from orchestrator.store.paging import PageRequest

Body = TypeVar("Body")
AnyRequest: TypeAlias = "Request[Any, Any, Any]"
FIELD_IN_WORDS = re.compile("^Object (?:missing required|contains unknown) field `([^`]+)`")
LONGEST_KEY = 200
MOST_BULK = 200


def page_request(
    limit: Annotated[int, QueryParameter(ge=1, le=MOST_PER_PAGE, description="entries of a page")] = 50,
    cursor: Annotated[str | None, QueryParameter(max_length=1_000, required=False,
                                                 description="`next` of the page before")] = None,
    sort: Annotated[str | None, QueryParameter(max_length=50, required=False,
                                               description="a column; with - before it, descending")] = None,
) -> PageRequest:
    return PageRequest(limit, cursor, sort)


def if_match(
    etag: Annotated[str | None, HeaderParameter(name="If-Match", required=False,
                                                description="the ETag that was read, or *")] = None,
) -> int | None:
    """The version; None for ``*``, which any will do for. 428 where the header is missing."""
    if etag is None:
        raise Problem(428, "if_match_missing", "a change says which version it changes",
                      "read it, and send its ETag as If-Match; * overwrites whatever there is")
    text = etag.strip()
    if text == "*":
        return None
    number = text.removeprefix("W/").strip('"')
    if not number.isdecimal() or len(number) > 15:
        raise Problem(400, "if_match_invalid", "If-Match is an ETag as this server sent it")
    return int(number)


def idempotency_key(
    key: Annotated[str | None, HeaderParameter(name="Idempotency-Key", required=False,
                                               description="the same key twice does it once")] = None,
) -> str | None:
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise Problem(400, "idempotency_key", f"Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters")
    return key


DEPENDENCIES = {
    "page": Provide(page_request, sync_to_thread=False),
    "if_match": Provide(if_match, sync_to_thread=False),
    "idempotency_key": Provide(idempotency_key, sync_to_thread=False),
}


def versioned(body: Body, version: int | None = None, status: int = 200) -> Response[Body]:
    """An answer with the ETag of ``body.version`` (or of ``version``)."""
    number = version if version is not None else getattr(body, "version")  # noqa: B009  any record with a version
    return SafeResponse(body, status_code=status, headers={"ETag": f'"{number}"'})


def created(body: Body, location: str) -> Response[Body]:
    """201 with its Location (below the root: ``/api/v1/…``), and an ETag when it has a version."""
    headers = {"Location": location}
    if hasattr(body, "version"):
        headers["ETag"] = f'"{body.version}"'
    return SafeResponse(body, status_code=201, headers=headers)


class FieldFault(Struct):
    """``path``: ``limit``, ``request.tags[2]``."""

    path: str
    message: str


def on_validation(request: AnyRequest, error: ValidationException) -> Response[bytes]:
    """Parameters and bodies that are not as declared: 400 with each field that is wrong."""
    found = error.extra if isinstance(error.extra, list) else []
    fields = [_field(str(one.get("key", "")), str(one.get("message", ""))) for one in found if isinstance(one, dict)]
    return Problem(400, "request_invalid", "the request is not as it should be", fields=fields).response()


def _field(key: str, message: str) -> dict[str, str]:
    """msgspec names a field that is missing or too many in its words alone."""
    named = FIELD_IN_WORDS.search(message)
    parts = [part for part in key.split(".") if part != "data"] + ([named[1]] if named else [])
    return {"path": ".".join(parts), "message": message[:300]}


def on_recursion(request: AnyRequest, error: RecursionError) -> Response[bytes]:
    """A body that is nested thousands of levels deep."""
    return Problem(400, "request_invalid", "the request is nested too deep").response()


class SafeResponse(Response[Body]):
    """What hosts sent may hold halves of characters that no JSON can carry: they are shown as ``\\udc80``."""

    def render(self, content: Any, media_type: str, enc_hook: Any = default_serializer) -> bytes:
        try:
            return super().render(content, media_type, enc_hook)
        except (UnicodeEncodeError, SerializationException, ImproperlyConfiguredException):
            return super().render(plain_text(msgspec.to_builtins(content, enc_hook=enc_hook)), media_type, enc_hook)


def plain_text(value: Any) -> Any:
    """``value`` with every text in it fit for UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {plain_text(name): plain_text(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain_text(one) for one in value]
    return value


def field_problem(**faults: str) -> Problem:
    """A 400 by hand, for what only a service can know: ``field_problem(cron="…")``."""
    return Problem(400, "request_invalid", "the request is not as it should be",
                   fields=[{"path": path, "message": message} for path, message in faults.items()])


def refuse_bulk(items: list[Any]) -> None:
    """400 for more than 200 at once."""
    if len(items) > MOST_BULK:
        raise Problem(400, "too_many", f"one call takes {MOST_BULK} at most", "send the others with the next")
