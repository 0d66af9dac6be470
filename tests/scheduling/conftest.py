"""Schedules over real stores, SQLite and PostgreSQL, with a clock that tests move. Runs are launched, but not driven:
tests say how they end, by the rows that a worker would write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.access.rights import Grant, Identity
from orchestrator.notify.alerts import Alerts
from orchestrator.notify.channels import ChannelDraft, Channels
from orchestrator.notify.outbox import Outbox
from orchestrator.notify.run_ends import RunEnds
from orchestrator.refusals import Unidentified
from orchestrator.runs.ends import Ends
from orchestrator.runs.launches import Launches
from orchestrator.scheduling.absence import Absence
from orchestrator.scheduling.clockwork import Clockwork
from orchestrator.scheduling.drift import Drifts
from orchestrator.scheduling.firing import Firing
from orchestrator.scheduling.records import Fire, ScheduleDraft
from orchestrator.scheduling.schedules import Schedules
from orchestrator.scheduling.successes import Successes
from orchestrator.security.master import MasterKey
from orchestrator.store.books import Books
from orchestrator.store.database import Database, database_for
from orchestrator.store.paging import PageRequest
from tests.agents.conftest import Clock, emptied
from tests.lab import postgresql

ANN = Identity("ann", "ann", "operator")
BOB = Identity("bob", "bob", "operator")
ROOT = Identity("root", "root", "admin")
EVE = Identity("eve", "eve", "viewer")
MAX = Identity("max", "max", "none", grants=(Grant("playbook", "p1", "web/*", "operator"),
                                            Grant("inventory", "i1", "web", "operator")))
REQUEST = {"project_id": "p1", "playbook": "site.yml", "inventory_id": "i1"}
WEBHOOK = {"url": "https://hooks.example.com/x", "signing_key": "k" * 20}


def draft(name: str = "nightly", **changes: Any) -> ScheduleDraft:
    return ScheduleDraft(**{"name": name, "timing": "0 3 * * *", "request": dict(REQUEST), **changes})


class Process:
    """One server's services, on a connection of its own."""

    def __init__(self, url: str, master: MasterKey, clock: Clock) -> None:
        self.database: Database = database_for(url)
        self.database.open()
        self.clock = clock
        self.books = Books(self.database, master, clock)
        self.users = {one.user_id: one for one in (ANN, BOB, ROOT, EVE, MAX)}
        self.locked: set[str] = set()
        self.cancelled: list[str] = []
        self.outbox = Outbox(self.books)
        self.alerts = Alerts(self.books, self.outbox)
        self.channels = Channels(self.books, self.outbox)
        self.launches = Launches(self.books)
        self.firing = Firing(self.books, self.alerts, self.launches.launch, self._owner)
        self.drift = Drifts(self.books, self.alerts, self.outbox)
        self.schedules = Schedules(self.books, self.firing, self.launches.check, self.alerts.close, self.drift.withdraw)
        self.clockwork = Clockwork(self.books, self.firing, self.alerts, self._cancel)
        self.absence = Absence(self.books, self.alerts)
        self.ends = Ends(self.books, [Successes(self.books).on_end, self.drift.on_end,
                                      RunEnds(self.books, self.outbox, self.alerts).on_end])

    def _owner(self, user_id: str) -> Identity:
        if user_id in self.locked:
            raise Unidentified("this account is locked", code="user_locked")
        return self.users[user_id]

    def _cancel(self, schedule: object, run_id: str) -> None:
        self.cancelled.append(run_id)
        self.database.execute('UPDATE runs SET "cancel_requested" = ? WHERE "id" = ?', (True, run_id))

    def fires(self, schedule_id: str) -> list[tuple[str, str]]:
        """(when it was due, what became of it), the oldest first."""
        rows = self.books.table("schedule_fires", Fire).all('"schedule_id" = ? ORDER BY "due"', schedule_id)
        return [(f"{row.due:%d. %H:%M}", row.outcome) for row in rows]

    def runs(self, schedule_id: str | None = None) -> list[str]:
        where = ("", ()) if schedule_id is None else (' WHERE "schedule_id" = ?', (schedule_id,))
        return [str(row[0]) for row in self.database.select(f'SELECT "id" FROM runs{where[0]} ORDER BY "started", "id"',
                                                            where[1])]

    def end(self, run_id: str, status: str = "ok", recap: dict[str, dict[str, int]] | None = None) -> None:
        write = self.database.write
        with self.database.transaction():
            self.database.execute('UPDATE runs SET "status" = ?, "ended" = ?, "recap" = ? WHERE "id" = ?', (
                status, write["time"](self.clock()), write["json"](recap or {"web1": {"ok": 1}}), run_id))
        assert run_id in self.ends.settle_all()

    def told(self) -> list[tuple[str, str]]:
        """(occasion, subject) of everything that was queued."""
        return [(one.occasion, one.subject) for one in self.channels.deliveries(
            ROOT, PageRequest(limit=200, sort="id")).items]

    def open_alerts(self) -> list[str]:
        return sorted(one.key for one in self.alerts.list(ROOT, PageRequest(limit=200)).items)

    def listen(self, *occasions: str) -> None:
        self.channels.create(ROOT, ChannelDraft("hook", "webhook", dict(WEBHOOK), list(occasions)))


class Site:
    """A store, and as many processes on it as a test starts."""

    def __init__(self, state: Path, url: str, clock: Clock) -> None:
        self.url, self.clock = url, clock
        self.master = MasterKey.load_or_create(state)
        self.started: list[Process] = []

    def start(self) -> Process:
        process = Process(self.url, self.master, self.clock)
        self.started.append(process)
        return process


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def scheduling_postgres_url(postgres_cluster: postgresql.Cluster) -> str:
    """One database for all tests of this folder: its schema takes a second to make."""
    url = postgres_cluster.create_database("scheduling")
    database = database_for(url)
    database.open()
    database.close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Site]:
    (tmp_path / "state").mkdir(mode=0o700)
    url = str(tmp_path / "state" / "orch.db") if request.param == "sqlite" else emptied(
        request.getfixturevalue("scheduling_postgres_url"))
    site = Site(tmp_path / "state", url, clock)
    yield site
    for process in site.started:
        process.database.close()


@pytest.fixture
def process(site: Site) -> Process:
    return site.start()
