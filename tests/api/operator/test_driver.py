"""The worker within `orch serve`, and a server that leaves runs to others."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.operator.driver import driver
from api.operator.service import OperatorService, PageOptions
from orchestrator.control.control import open_control


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
