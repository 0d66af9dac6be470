"""Channels and a courier over real stores, and a certificate for what they send to."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.notify.alerts import Alerts
from orchestrator.notify.channels import Channels
from orchestrator.notify.courier import Courier
from orchestrator.notify.occasions import Notice
from orchestrator.notify.outbox import Outbox
from orchestrator.notify.records import Delivery
from orchestrator.security.master import MasterKey
from orchestrator.store.books import Books
from orchestrator.store.database import database_for
from tests.agents.conftest import Clock, emptied
from tests.lab import postgresql
from tests.notify.doubles import Certificate


class Post:
    """One process: it writes messages and sends them."""

    def __init__(self, url: str, master: MasterKey, clock: Clock) -> None:
        self.database = database_for(url)
        self.database.open()
        self.clock = clock
        self.books = Books(self.database, master, clock)
        self.outbox = Outbox(self.books)
        self.alerts = Alerts(self.books, self.outbox)
        self.channels = Channels(self.books, self.outbox)
        self.courier = Courier(self.books, self.channels, self.alerts, lambda: ["127.0.0.0/8"])

    def tell(self, subject: str = "nightly", occasion: str = "run_failed") -> int:
        with self.books.transaction():
            return self.outbox.tell(Notice(occasion, subject, f"{subject} failed", ("web1: apt: no space left",), "r1"))

    def states(self) -> list[tuple[str, int, str]]:
        """(state, tries, error) of every message."""
        rows = self.books.table("deliveries", Delivery).all('1 = 1 ORDER BY "id"')
        return [(row.state, row.attempts, row.error) for row in rows]


class Office:
    """A store, and as many processes on it as a test starts."""

    def __init__(self, state: Path, url: str, clock: Clock) -> None:
        self.url, self.clock = url, clock
        self.master = MasterKey.load_or_create(state)
        self.started: list[Post] = []

    def start(self) -> Post:
        post = Post(self.url, self.master, self.clock)
        self.started.append(post)
        return post


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def notify_postgres_url(postgres_cluster: postgresql.Cluster) -> str:
    """One database for all tests of this folder: its schema takes a second to make."""
    url = postgres_cluster.create_database("notify")
    database = database_for(url)
    database.open()
    database.close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Office]:
    (tmp_path / "state").mkdir(mode=0o700)
    url = str(tmp_path / "state" / "orch.db") if request.param == "sqlite" else emptied(
        request.getfixturevalue("notify_postgres_url"))
    office = Office(tmp_path / "state", url, clock)
    yield office
    for post in office.started:
        post.database.close()


@pytest.fixture
def post(office: Office) -> Post:
    return office.start()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")], check=True,
                    capture_output=True)
    made = Certificate(str(folder / "cert.pem"))
    made.context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return made
