"""A Control on each database, with a project and an inventory of hosts that are this machine; and workers over it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.access.rights import Identity
from orchestrator.control.control import Control, open_control
from orchestrator.control.working import worker_of
from orchestrator.runs.records import Run
from orchestrator.runs.requests import RunRequest
from orchestrator.runs.worker import Worker, WorkerOptions
from orchestrator.store.records import ENDED

ADMIN = Identity("u-admin", "ann", "admin")
SITE = """
- hosts: all
  gather_facts: false
  tasks:
    - {name: first, command: echo first}
    - {name: said, debug: {msg: "{{ colour | default('none') }}"}}
"""


class Site:
    """One installation."""

    def __init__(self, state: Path, url: str | None, folder: Path) -> None:
        self.state, self.url, self.folder = state, url, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.write("site.yml", SITE)
        self.control = self.open()
        self.project_id, self.inventory_id = self._content()
        self.workers: list[Worker] = []

    def open(self) -> Control:
        return open_control(self.state, self.url)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def hosts(self, *names: str, **variables: Any) -> None:
        lines = " ".join(f"{key}={value}" for key, value in {"ansible_connection": "local", **variables}.items())
        self.write("hosts.ini", "".join(f"{name} {lines}\n" for name in names))

    def _content(self) -> tuple[str, str]:
        self.hosts("h1", "h2")
        project = self.control.projects.create(ADMIN, "site", "directory", path=str(self.folder),
                                               runs_here=True)
        inventory = self.control.inventories.create(ADMIN, "hosts", "files", project_id=project.id,
                                                    sources=["hosts.ini"])
        return project.id, inventory.id

    def request(self, playbook: str = "site.yml", **more: Any) -> RunRequest:
        return RunRequest(self.project_id, playbook, self.inventory_id, **more)

    def launch(self, playbook: str = "site.yml", identity: Identity = ADMIN, key: str | None = None,
               **more: Any) -> str:
        return self.control.launches.launch(identity, self.request(playbook, **more), key)

    def run(self, run_id: str) -> Run:
        found = self.control.dispatch.find(run_id)
        assert found is not None
        return found

    def wait(self, run_id: str, *statuses: str, timeout_s: float = 120) -> Run:
        """Until the run has one of these, or has ended."""
        deadline = time.monotonic() + timeout_s
        while (run := self.run(run_id)).status not in (statuses or ENDED):
            assert time.monotonic() < deadline, f"run {run_id} is {run.status} still: {run.message}"
            time.sleep(0.05)
        return run

    def results(self, run_id: str) -> list[tuple[Any, ...]]:
        return self.control.books.database.select(
            'SELECT "host", "task_name", "status" FROM task_results WHERE "run_id" = ? ORDER BY "seq"', (run_id,))

    def worker(self, **options: Any) -> Worker:
        made = worker_of(WorkerOptions(self.state, self.url, **options))
        self.workers.append(made)
        made.start()
        return made

    def close(self) -> None:
        for worker in self.workers:
            worker.stop()
        self.control.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_store_url")
    made = Site(tmp_path / ".orch", url, tmp_path / "site")
    yield made
    made.close()


@pytest.fixture
def wait_until() -> Callable[..., None]:
    def wait(condition: Callable[[], Any], what: str, timeout_s: float = 120) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, what
            time.sleep(0.05)

    return wait
