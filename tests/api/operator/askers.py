"""Whoever asks in the world of two tenants, by sessions and tokens that are there from its beginning."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
from litestar import Litestar

from api.operator.app import operator_app
from api.operator.identity import CSRF_HEADER, PLAIN_COOKIE, Limits
from api.operator.office import Office
from orchestrator.access.rights import SCOPES
from orchestrator.control.control import open_control
from tests.api.operator.conftest import BASE, BY_HAND
from tests.api.operator.foreign_asks import Ask
from tests.api.operator.worlds import World

TENANTS = ("tenant", *SCOPES, "stranger")
"""``tenant`` by a session, and by tokens of one scope each; ``stranger`` has no grant at all."""
ROLES = ("viewer", "operator", "approver", "by_admin")
PER_REQUEST = ("seen", "last_used", "address")
"""Columns that any request of an identity may write."""


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    """Without the time and the ids that were asked for, so that answers may be compared."""
    raw: str
    code: str = ""

    @property
    def is_good(self) -> bool:
        return self.status < 400


class Askers:
    def __init__(self, world: World) -> None:
        self.world = world
        self._database = world.state_dir / "orch.db"
        self._pristine = world.state_dir / "pristine.db"
        self._headers = self._identities()
        _copy(self._database, self._pristine)
        self._office = Office(lambda: open_control(world.state_dir), threads=1)
        self.app: Litestar = operator_app(self._office, limits=Limits(10**6, 10**6),
                                          agents_url="https://orch.example.com:8444")
        self._runner = asyncio.Runner()
        self._transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)  # type: ignore[arg-type]

    def close(self) -> None:
        self._runner.run(self._office.close())
        self._runner.close()

    def _identities(self) -> dict[str, dict[str, str]]:
        control, found = open_control(self.world.state_dir), {}
        try:
            tenant = control.identities.of(self.world.tenant, "session")
            for scope in SCOPES:
                made = control.tokens.make(tenant, scope, [scope])
                found[scope] = {"Authorization": f"Bearer {made.token}"}
            users = {name: control.users.named(name) for name in ("tenant", "stranger")}
            users |= {role: control.users.add(BY_HAND, role, role.removeprefix("by_")) for role in ROLES}
            for name, user in users.items():
                with control.books.transaction():
                    session = control.sessions.begin(user)
                found[name] = {"Cookie": f"{PLAIN_COOKIE}={session.secret}", CSRF_HEADER: session.csrf_token}
            control.fleet.refresh()
        finally:
            control.close()
        return found

    def ask(self, who: str, name: str, ask: Ask, things: Mapping[str, str]) -> Answer:
        """``name``: a route, ``GET /runs/{run_id}``; its names and those of the body are filled in from ``things``."""
        method, path = name.split()
        others = {part: things[other] for part, other in ask.use.items()}
        path = filled(path, {**things, **others, "name": _named(path, things)})
        query = f"?{filled(ask.query, things)}" if ask.query else ""
        return self.send(who, method, path + query, things, filled(ask.json, things), filled(ask.form, things))

    def send(self, who: str, method: str, path: str, things: Mapping[str, str], json: Any = None,
             form: dict[str, str] | None = None) -> Answer:
        found = self._runner.run(self._answer(method, path, self._headers[who] | {"If-Match": "*"}, json, form))
        return Answer(found.status_code, compared(found.text, things), found.text, _code(found))

    async def _answer(self, method: str, path: str, headers: dict[str, str], json: Any,
                      form: dict[str, str] | None) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url=BASE) as client:
            asked = client.request(method, path, headers=headers, json=json, data=form)
            return await asyncio.wait_for(asked, 60)

    # ---- the database

    def restore(self) -> None:
        """Everything as it was at the beginning."""
        _copy(self._pristine, self._database)

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that is stored, without the audit trail and what each request writes of itself."""
        with sqlite3.connect(self._database) as database:
            tables = [str(name) for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'audit'")]
            return {table: sorted(database.execute(f"SELECT {_columns(database, table)} FROM {table}"), key=repr)
                    for table in tables}

    def refusals(self, actor: str) -> set[tuple[str, str]]:
        """(action, code) of what the audit trail says was refused."""
        with sqlite3.connect(self._database) as database:
            rows = database.execute("SELECT action, detail FROM audit WHERE actor = ? AND outcome = 'refused'", [actor])
            return {(str(action), json.loads(detail)["code"]) for action, detail in rows}


def filled(value: Any, things: Mapping[str, str]) -> Any:
    """``value`` with the things in place of their names in it."""
    if isinstance(value, str):
        return re.sub(r"{(\w+)}", lambda found: things[found[1]], value)
    if isinstance(value, dict):
        return {name: filled(one, things) for name, one in value.items()}
    return [filled(one, things) for one in value] if isinstance(value, list) else value


def compared(text: str, things: Mapping[str, str]) -> str:
    for name, value in sorted(things.items(), key=lambda pair: -len(pair[1])):
        if len(value) > 6:  # others are numbers, or words that pages have too
            text = text.replace(value, f"<{name}>")
    return re.sub(r"\d+", "N", text)


def ids_of(world: World) -> dict[str, str]:
    """All that names the others' things, by which they would be known in an answer."""
    own = {"key", "result_id", "user_version", "alert_id", "delivery_id"}
    found = {**{f"shared {name}": value for name, value in asdict(world.shared).items()},
             **{f"theirs {name}": value for name, value in asdict(world.theirs).items()}}
    return {name: value for name, value in found.items() if name.split()[1] not in own
            and name not in ("shared project_id", "shared inventory_id")}


def _named(path: str, things: Mapping[str, str]) -> str:
    for part, thing in (("/hosts/{name}", "host"), ("/groups/{name}", "group"), ("/agents/{name}", "agent"),
                        ("/agentlets/{name}", "agent")):
        if part in path:
            return things[thing]
    return ""


def _code(found: httpx.Response) -> str:
    try:
        return str(found.json().get("code", ""))
    except (ValueError, AttributeError):
        return ""


def _columns(database: sqlite3.Connection, table: str) -> str:
    names = [str(row[1]) for row in database.execute(f"PRAGMA table_info({table})")]
    return ", ".join(f'"{name}"' for name in names if name not in PER_REQUEST)


def _copy(source: Path, target: Path) -> None:
    with sqlite3.connect(source) as one, sqlite3.connect(target) as other:
        one.backup(other)
    one.close()
    other.close()
