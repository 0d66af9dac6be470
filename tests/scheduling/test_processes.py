"""Real processes on one store, killed in the middle: every time has its run, and one."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from orchestrator.store.books import utc_now
from tests.scheduling.conftest import ANN, Site, draft

ROOT = Path(__file__).parents[2]
TIMES = 45


def test_kill_9_among_three_clocks(site: Site, tmp_path: Path) -> None:
    site.clock.now = utc_now() - timedelta(minutes=TIMES)
    process = site.start()
    made = process.schedules.create(ANN, draft(timing="every 1m", misfire="all", max_running=50, grace_s=86_400))
    ticking = [subprocess.Popen([sys.executable, "-m", "tests.scheduling.ticking", str(tmp_path / "state"), site.url],
                                cwd=ROOT, stdout=subprocess.PIPE) for _ in range(3)]
    try:
        until = time.monotonic() + 60
        while not process.runs(made.id) and time.monotonic() < until:
            time.sleep(0.005)
        ticking[0].kill()
        ticking[1].kill()
        stdout = ticking[2].stdout
        assert stdout is not None and stdout.readline() == b"tick\n"
    finally:
        for one in ticking:
            one.kill()
            one.wait()
            if one.stdout is not None:
                one.stdout.close()
    site.clock.now = utc_now() + timedelta(seconds=61)
    process.clockwork.tick()
    fires = process.fires(made.id)
    assert {outcome for _, outcome in fires} == {"launched"}
    assert len(fires) >= TIMES
    assert len(process.runs(made.id)) == len(fires)
