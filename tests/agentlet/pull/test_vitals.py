"""What an agentlet says of its host: numbers, from the system itself, also when it has nothing to do."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentlet.pull import vitals
from orchestrator.agents.vitals import bounded_stats
from tests.agentlet.pull.conftest import Host
from tests.agentlet.pull.test_real_gateway import Real


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Real]:
    made = Real(tmp_path / "server")
    yield made
    made.close()


def test_they_are_this_systems(tmp_path: Path) -> None:
    found = vitals.read(str(tmp_path))
    disk = os.statvfs(tmp_path)
    assert found["disk_bytes"] == disk.f_frsize * disk.f_blocks and 0 <= found["disk_free_bytes"] < found["disk_bytes"]
    assert found["memory_bytes"] == pytest.approx(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), rel=0.01)
    assert 0 < found["memory_free_bytes"] < found["memory_bytes"]
    assert found["cpus"] == os.cpu_count() and found["load_1"] == pytest.approx(os.getloadavg()[0], abs=1)
    assert found["uptime_s"] == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=5)
    assert bounded_stats(found) == found, "the server keeps all of it"


def test_a_system_that_has_none_of_it_is_not_asked_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As macOS, which has no /proc."""
    def nothing(path: str) -> None:
        raise FileNotFoundError(path)

    monkeypatch.setattr("builtins.open", nothing)
    assert set(vitals.read(str(tmp_path))) == {"load_1", "load_5", "load_15", "cpus", "disk_bytes", "disk_free_bytes"}
    monkeypatch.undo()
    assert "disk_bytes" not in vitals.read(str(tmp_path / "gone"))


def test_an_idle_agentlet_says_how_it_is(host: Host, real: Real) -> None:
    real.enroll(host)
    host.run()
    agent, end = real.served.desk.registry.find("web1"), time.monotonic() + 20
    while (found := real.served.desk.vitals.latest(agent.id)) is None:
        assert time.monotonic() < end, host.said()
        time.sleep(0.1)
    said = found.stats
    assert {"version", "load_1", "memory_bytes", "disk_bytes", "uptime_s", "held", "spool_bytes", "rss_bytes",
            "running", "clock_offset_s"} <= set(said)
    assert said["held"] == said["running"] == 0 and said["rss_bytes"] > 1 << 20
