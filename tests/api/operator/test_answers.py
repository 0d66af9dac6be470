"""The table of answers: every route of the application, asked by everybody. answers.txt says what each is told.

ORCH_WRITE_ANSWERS=1 writes the table anew; then read every line of the difference: each is a decision about who may.

Ids in paths are of nothing that there is, and bodies are empty: so 404, 400 and 428 mean that the door was open, 401
and 403 that it was not. A route without a row fails, and so does a row without a route.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from api.operator.identity import CSRF_HEADER, OPEN, PLAIN_COOKIE, Limits
from orchestrator.access.rights import ROLES
from orchestrator.control.control import Control
from tests.api.operator.conftest import BASE, BY_HAND

Ask = Callable[[str, str, str], str]
TABLE = Path(__file__).with_name("answers.txt")
WHO = ("nobody", *ROLES, "locked", "expired", "read", "launch")
"""``locked``: a session of an admin who was locked; ``expired``, ``read``, ``launch``: an admin's tokens."""
HEAD = f"# {'method and path':<67} " + " ".join(f"{who:<8}" for who in WHO).rstrip() + "\n"
OPEN_ROUTES = {
    "GET /health", "GET /health/live", "GET /metrics", "POST /api/v1/auth/login", "POST /api/v1/auth/links",
    "GET /api/v1/auth/links/{token}", "GET /api/v1/auth/oidc", "GET /api/v1/auth/oidc/start",
    "GET /api/v1/auth/oidc/callback",
    # the page: what there is before somebody is logged in
    "GET /login", "POST /login", "GET /link/{token}", "POST /link/{token}", "GET /static/{path}",
}


@pytest.fixture
def store_url() -> None:
    """SQLite alone: what is asked here is who may, and that is asked of no database."""


@pytest.fixture
def limits() -> Limits:
    """None: one client asks for everybody."""
    return Limits(10**6, 10**6)


@pytest.fixture
def rows() -> dict[str, tuple[str, ...]]:
    found = {}
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            method, path, *answers = line.split()
            found[f"{method} {path}"] = tuple(answers)
    return found


def routes(app: Litestar) -> Iterator[tuple[str, HTTPRoute, str]]:
    for route in app.routes:
        assert isinstance(route, HTTPRoute), f"{route.path} is no route of HTTP"
        for method in sorted(route.route_handler_map):
            if method != "OPTIONS":
                yield f"{method} {route.path_format}", route, method


def address(route: HTTPRoute) -> str:
    path = route.path_format
    for part in re.findall(r"{[^}]+}", path):
        number = any(f"{part[1:-1]}:int" in str(one) for one in re.findall(r"{[^}]+}", route.path))
        path = path.replace(part, "1" if number else "0000000000000000")
    return path


@pytest.fixture
def ask(app: Litestar, control: Control) -> Iterator[Ask]:
    """The status that somebody is told; with a session of his own each time, for some routes end it."""
    users = {role: control.users.add(BY_HAND, role, role) for role in ROLES}
    locked = control.users.add(BY_HAND, "locked", "admin")
    identity = control.identities.of(users["admin"].id, "session")
    tokens = {name: control.tokens.make(identity, name, scopes).token
              for name, scopes in (("read", ["read"]), ("launch", ["launch"]), ("expired", ["read", "admin"]))}
    soon = control.books.database.write["time"](control.books.clock() - timedelta(seconds=1))
    control.books.database.execute("UPDATE api_tokens SET expires = ? WHERE name = 'expired'", [soon])

    def headers(name: str) -> dict[str, str]:
        if name == "nobody":
            return {}
        if name in tokens:
            return {"Authorization": f"Bearer {tokens[name]}"}
        with control.books.transaction():
            made = control.sessions.begin(users.get(name, locked))
            if name == "locked":
                control.books.database.execute("UPDATE users SET state = 'locked' WHERE id = ?", [locked.id])
        return {"Cookie": f"{PLAIN_COOKIE}={made.secret}", CSRF_HEADER: made.csrf_token}

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]

    async def answer(name: str, method: str, path: str) -> str:
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            body = {} if method in ("GET", "DELETE") else {"json": {}}
            asked = client.request(method, path, headers=headers(name), **body)  # type: ignore[arg-type]
            try:
                return str((await asyncio.wait_for(asked, 10)).status_code)
            except TimeoutError:
                return "waits"

    with asyncio.Runner() as runner:
        yield lambda *request: runner.run(answer(*request))


def test_every_route_answers_everybody_as_the_table_says(
        app: Litestar, ask: Ask, rows: dict[str, tuple[str, ...]]) -> None:
    found = {name: tuple(ask(who, method, address(route)) for who in WHO) for name, route, method in routes(app)}
    if os.environ.get("ORCH_WRITE_ANSWERS"):
        TABLE.write_text(HEAD + "".join(f"{line(*row)}\n" for row in sorted(found.items(), key=by_path)))
        return
    wrong = [line(name, answers) for name, answers in found.items() if rows.get(name) != answers]
    gone = sorted(set(rows) - set(found))
    assert not wrong and not gone, (
        "these rows are not in answers.txt, or are other there; look whether they should be so, and put them in:\n"
        + "\n".join(wrong) + "\nno such route any more: " + ", ".join(gone))


def test_what_is_open_is_known(app: Litestar) -> None:
    found = {name for name, route, method in routes(app) if route.route_handler_map[method][0].opt.get(OPEN) is True}
    assert found == OPEN_ROUTES


def test_strangers_locked_and_expired_get_in_nowhere_else(rows: dict[str, tuple[str, ...]]) -> None:
    for name, answers in rows.items():
        told = dict(zip(WHO, answers))
        if name in OPEN_ROUTES:
            continue
        assert {told["nobody"], told["locked"], told["expired"]} <= {"401", "303"}, name


def test_a_higher_role_is_refused_nothing_that_a_lower_one_may(rows: dict[str, tuple[str, ...]]) -> None:
    for name, answers in rows.items():
        told = dict(zip(WHO, answers))
        refused = [told[role] in ("401", "403") for role in ROLES]
        assert refused == sorted(refused, reverse=True), name


def by_path(row: tuple[str, tuple[str, ...]]) -> tuple[str, str]:
    method, _, path = row[0].partition(" ")
    return path, method


def line(name: str, answers: tuple[str, ...]) -> str:
    method, path = name.split(" ", 1)
    return f"{method:<6} {path:<62} " + " ".join(f"{one:<8}" for one in answers).rstrip()


def others(control: Control) -> dict[str, str]:
    """Paths of what belongs to others: a colleague's session and token, and another user."""
    colleague = control.users.add(BY_HAND, "colleague", "approver")
    identity = control.identities.of(colleague.id, "session")
    with control.books.transaction():
        control.sessions.begin(colleague)
    session = control.sessions.own(identity)[0]
    token = control.tokens.make(identity, "hers", ["read"]).record
    return {f"DELETE /api/v1/auth/sessions/{session.id}": "404", f"DELETE /api/v1/auth/tokens/{token.id}": "404",
            f"GET /api/v1/users/{colleague.id}": "404", f"GET /api/v1/users/{colleague.id}/tokens": "403"}


@pytest.mark.parametrize("role", ["none", "viewer", "operator", "approver"])
def test_anothers_ids_are_not_there(control: Control, ask: Ask, role: str) -> None:
    for name, wanted in others(control).items():
        method, path = name.split()
        assert ask(role, method, path) == wanted, name
