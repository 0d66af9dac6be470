"""How a view becomes an answer: templates, whole pages and parts of them, ways on, and faults as people read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response
from litestar.exceptions import HTTPException
from markupsafe import Markup
from msgspec.structs import asdict

from api import problems
from api.operator.conventions import AnyRequest
from api.operator.identity import Visit, office_of
from api.problems import Problem
from api.ui import words
from api.ui.ansi import to_html
from api.ui.assets import asset_url
from api.ui.forms import Form, Wrong, as_yaml
from orchestrator.access import rights
from orchestrator.control.control import Control
from orchestrator.errors import OrchError, StoreError
from orchestrator.refusals import NotFound, Refused, Unidentified
from orchestrator.store.books import utc_now

TEMPLATES = Path(__file__).parent / "templates"
NOT_KEPT = "no-store"
FLASH = "flash"
Html = Response[str]
Result = TypeVar("Result")


@cache
def environment() -> Environment:
    """Everything is escaped unless a macro of ours has made it; an unknown name is a fault, not an empty text."""
    made = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True, auto_reload=False)
    made.filters |= {"ago": words.ago, "stamp": words.stamp, "iso": words.iso, "duration": words.duration,
                     "count": words.count, "plain": words.plain,
                     "playbook": words.playbook, "yaml": as_yaml, "ansi": to_html,
                     "zip": lambda one, other: list(zip(list(one), list(other))),
                     "combined": lambda one, other: one | other, "fields": asdict}
    made.globals |= {"asset": asset_url, "now": utc_now, "with_query": with_query}
    made.globals["ui"] = made.get_template("parts.html").module
    return made


def is_partial(request: AnyRequest) -> bool:
    """Whether htmx asks for a part of a view."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-history-restore-request") != "true"


def page(request: AnyRequest, template: str, *, part: str | None = None, status: int = 200, **values: Any) -> Html:
    """The view; for htmx only its block ``part``, where one is named."""
    context = {**_about(request), **values}
    found = environment().get_template(template)
    if part is not None and is_partial(request):
        text = "".join(found.blocks[part](found.new_context(context)))
    else:
        text = found.render(context)
    if status == 422 and is_partial(request):
        status = 200  # a form to be mended is a view like others; a browser's console would call it a fault
    return Response(text, status_code=status, media_type="text/html",
                    headers={"Cache-Control": NOT_KEPT, "Vary": "HX-Request"})


def _about(request: AnyRequest) -> dict[str, Any]:
    visit: Visit | None = request.scope.get("auth")
    identity = visit.identity if visit else None

    def may(action: str) -> bool:
        return identity is not None and rights.may_somewhere(identity, action)

    return {"me": identity, "may": may, "path": request.url.path, "query": dict(request.query_params),
            "csrf": Markup(json.dumps({"X-CSRF-Token": visit.csrf_token if visit else ""}))}


def go(request: AnyRequest, url: str, say: str = "") -> Html:
    """To another view; ``say`` is shown there once."""
    if is_partial(request):
        answer: Html = Response("", status_code=200, headers={"HX-Redirect": url}, media_type="text/html")
    else:
        answer = Response("", status_code=303, headers={"Location": url}, media_type="text/html")
    if say:
        answer.set_cookie(FLASH, quote(say, safe=""), path="/", max_age=20, samesite="lax")
    return answer


def with_query(path: str, query: Mapping[str, Any], /, **changes: Any) -> str:
    """An address with what is asked for; a change to None takes a key away."""
    merged = {key: value for key, value in {**query, **changes}.items() if value not in (None, "", [])}
    return f"{path}?{urlencode(merged, doseq=True)}" if merged else path


def own_path(text: str | None) -> str:
    """Where to go on after the login: a path of this server, never another's address."""
    parts = urlsplit(text or "")
    if not text or parts.scheme or parts.netloc or not text.startswith("/") or text.startswith("//") or "\\" in text:
        return "/"
    return text


# ---- faults

def on_refused(request: AnyRequest, refused: Refused) -> Response[Any]:
    """A page that says it in words; a login for whoever is not known (any more)."""
    if isinstance(refused, Unidentified) and request.method == "GET" and not is_partial(request):
        return go(request, with_query("/login", {}, next=_here(request)))
    if refused.code == "password_change" and not is_partial(request):
        return go(request, "/password")
    if is_partial(request):
        return problems.on_refused(request, refused)
    status = next(status for kind, status in problems.REFUSALS if isinstance(refused, kind))
    return _fault(request, status, refused.message, refused.hint)


def on_problem(request: AnyRequest, problem: Problem) -> Response[Any]:
    if is_partial(request):
        return problem.response()
    return _fault(request, problem.status, problem.message, problem.hint)


def on_orch_error(request: AnyRequest, error: OrchError) -> Response[Any]:
    """Content that cannot be read, a repository that is away: said in words. The store away: the server's own fault."""
    answer = problems.on_store_error(request, error) if isinstance(error, StoreError) \
        else problems.on_orch_error(request, error)
    return answer if is_partial(request) else _told(request, answer)


def on_http_exception(request: AnyRequest, error: HTTPException) -> Response[Any]:
    answer = problems.on_http_exception(request, error)
    return answer if is_partial(request) else _told(request, answer)


def _told(request: AnyRequest, answer: Response[Any]) -> Html:
    """A problem of the API as a view."""
    found = json.loads(answer.content)
    return _fault(request, found["status"], found["detail"], found.get("hint"))


def on_anything(request: AnyRequest, error: Exception) -> Response[Any]:
    answer = problems.on_anything(request, error)
    return answer if is_partial(request) else _fault(request, 500, "A fault of the server; its log tells more.", None)


def _fault(request: AnyRequest, status: int, message: str, hint: str | None) -> Html:
    return page(request, "fault.html", status=status, code=status, message=message, hint=hint)


def _here(request: AnyRequest) -> str | None:
    where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return where if where != "/" else None


async def tried(request: AnyRequest, form: Form, act: Callable[[Control], Result],
                names: Mapping[str, str] | None = None, known: Iterable[str] = ()) -> Result:
    """What ``act`` returns. Raises `Wrong`, with the form's errors set, for what the form or a service refuses."""
    form.refuse_wrong()
    try:
        return await office_of(request).call(act)
    except (Unidentified, NotFound):
        raise
    except OrchError as error:
        if isinstance(error, StoreError):
            raise
        form.refused(error, names, known)
        raise Wrong from None
