"""The real application in this process, with a logged-in client of each role; and served by uvicorn, for streams."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest
import uvloop
from litestar import Litestar
from litestar.testing import TestClient

from api.operator.app import operator_app
from api.operator.identity import CSRF_HEADER, PLAIN_COOKIE, Limits
from api.operator.office import Office
from api.server import Listener, Stop, listen, serve
from orchestrator.access.identities import by_command_line
from orchestrator.access.records import NewSession
from orchestrator.access.rights import ROLES, Identity
from orchestrator.control.control import Control, open_control

Client = TestClient[Litestar]
BASE = "http://testserver.local"
BY_HAND = by_command_line("tests")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """A store without any row; None for the state directory's own SQLite file."""
    if request.param == "sqlite":
        return None
    found: str = request.getfixturevalue("postgres_store_url")
    return found


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def control(state_dir: Path, store_url: str | None) -> Iterator[Control]:
    """The tests' own, beside the application's."""
    opened = open_control(state_dir, store_url)
    yield opened
    opened.close()


@pytest.fixture
def limits() -> Limits:
    """How often anybody may ask."""
    return Limits()


@pytest.fixture
def app(control: Control, state_dir: Path, store_url: str | None, limits: Limits) -> Iterator[Litestar]:
    office = Office(lambda: open_control(state_dir, store_url), threads=2)
    yield operator_app(office, limits=limits)
    asyncio.run(office.close())


@pytest.fixture
def sessions(control: Control) -> dict[str, NewSession]:
    """A session of a user of each role; the users are named as their roles."""
    return {role: session_of(control, role) for role in ROLES}


def session_of(control: Control, role: str, name: str = "") -> NewSession:
    user = control.users.add(BY_HAND, name or role, role)
    with control.books.transaction():
        return control.sessions.begin(user, "127.0.0.1", "tests")


@pytest.fixture
def identities(control: Control, sessions: Mapping[str, NewSession]) -> dict[str, Identity]:
    """For calls on services: the identity of each role's user."""
    return {role: control.identities.of(made.user.id, "session") for role, made in sessions.items()}


@pytest.fixture
def client_with(app: Litestar) -> Callable[[NewSession | None], Client]:
    """A client with this session, or without any."""
    def build(session: NewSession | None) -> Client:
        client = TestClient(app, base_url=BASE, raise_server_exceptions=False)
        if session is not None:
            client.cookies.set(PLAIN_COOKIE, session.secret, domain="testserver.local")
            client.headers[CSRF_HEADER] = session.csrf_token
        return client

    return build


@pytest.fixture
def clients(client_with: Callable[[NewSession | None], Client],
            sessions: Mapping[str, NewSession]) -> dict[str, Client]:
    """``clients["viewer"]`` … one for each role, and ``clients["nobody"]`` without an identity."""
    return {"nobody": client_with(None), **{role: client_with(made) for role, made in sessions.items()}}


class Served:
    """The application behind uvicorn, in a thread."""

    def __init__(self, app: Litestar) -> None:
        self.app = app
        self._socket = listen("127.0.0.1", 0)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._started.wait(60), "the server did not start"

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), Stop()
        await serve([Listener(self.app, self._socket)], self._stop, on_started=self._started.set,
                    on_stopping=lambda: None)

    def client(self, session: NewSession | None = None) -> httpx.Client:
        headers = {CSRF_HEADER: session.csrf_token} if session else {}
        cookies = {PLAIN_COOKIE: session.secret} if session else {}
        return httpx.Client(base_url=self.url, headers=headers, cookies=cookies, timeout=30)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.ask)
        self._thread.join(60)
        assert not self._thread.is_alive(), "the server did not stop"


@pytest.fixture
def served(app: Litestar) -> Iterator[Served]:
    """``served.url``, and ``served.client(sessions["viewer"])``."""
    running = Served(app)
    yield running
    running.stop()
