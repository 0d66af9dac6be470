"""The worker within `orch serve`, and a server that leaves runs to others."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from api.operator import driver as driving
from api.operator.driver import driver
from api.operator.service import OperatorService, PageOptions
from orchestrator.control.control import open_control
from orchestrator.errors import StoreError
from orchestrator.runs.worker import Worker, WorkerOptions


@pytest.mark.parametrize(("capacity", "kinds"), [(0, []), (2, ["serve"])])
async def test_a_server_drives_as_many_runs_as_it_is_told(tmp_path: Path, capacity: int, kinds: list[str]) -> None:
    service = OperatorService(tmp_path / "state", None, PageOptions(port=0, capacity=capacity), None)
    async with driver(service):
        pass
    control = open_control(tmp_path / "state")
    found = control.books.database.select('SELECT "kind", "capacity" FROM workers')
    control.close()
    service.socket.close()
    await service.office.close()
    assert found == [(kind, capacity) for kind in kinds]


def test_a_worker_that_cannot_begin_is_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over, tries, made = threading.Event(), [], driving.worker_of

    def away_at_first(options: WorkerOptions) -> Worker:
        tries.append(options)
        if len(tries) == 1:
            raise StoreError("the store is away")
        over.set()
        return made(options)

    monkeypatch.setattr(driving, "worker_of", away_at_first)
    monkeypatch.setattr(driving, "RETRY_S", 0.01)
    driving.drive(WorkerOptions(tmp_path / "state"), over)
    assert len(tries) == 2
