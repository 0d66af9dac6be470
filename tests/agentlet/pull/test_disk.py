"""A full disk, a real one: a small tmpfs. No task begins without its journal record, and no result is lost."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agentlet.pull.conftest import Host, command
from tests.agentlet.pull.gateway_double import GatewayDouble
from tests.agentlet.pull.test_crashes import counting


@pytest.fixture
def small(host: Host) -> Iterator[Path]:
    """The host's state directory on a file system of 4 MiB."""
    host.state.mkdir(mode=0o700)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs", str(host.state)],
                          capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    yield host.state
    if host.process is not None and host.process.poll() is None:
        host.kill()
    subprocess.run(["umount", "-l", str(host.state)], check=True)


def fill(folder: Path, leave_bytes: int = 0) -> Path:
    """Takes all room but so much."""
    path = folder / "filling"
    with path.open("wb", buffering=0) as opened:
        try:
            while True:
                opened.write(b"x" * 4096)
        except OSError as error:
            assert error.errno == errno.ENOSPC
    os.truncate(path, max(0, path.stat().st_size - leave_bytes))
    return path


def test_without_room_for_the_journal_nothing_begins(
    host: Host, gateway: GatewayDouble, small: Path, tmp_path: Path
) -> None:
    host.enroll()
    host.run()
    gateway.await_true(lambda: gateway.count("poll"))
    filling = fill(small)
    job = gateway.offer([counting(1, tmp_path / "count")])
    gateway.await_finished()
    assert [(r["task"], r["error"]["code"]) for r in job.results] == [("t1", "no_space")]
    assert not (tmp_path / "count").exists()
    filling.unlink()
    gateway.offer([counting(1, tmp_path / "count")], "job-2")
    gateway.await_finished("job-2")
    assert (tmp_path / "count").read_text() == "x"


def test_a_disk_that_fills_up_during_a_job_loses_no_result(
    host: Host, gateway: GatewayDouble, small: Path, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    host.enroll()
    host.run()
    wait = f"while [ ! -e {gate} ]; do sleep 0.05; done"
    gateway.offer([command(1, wait), *(command(number, "head -c 200000 /dev/zero | tr '\\0' x")
                                       for number in range(2, 6))])
    gateway.await_true(lambda: gateway.jobs["job-1"].heads)
    gateway.stop()
    filling = fill(small)
    gate.touch()
    host.await_said("offline")
    gateway.start()
    job = gateway.await_finished(timeout_s=60)
    assert [r["status"] for r in job.results] == ["changed"] * 5
    assert [len(r["values"]["stdout"]) for r in job.results] == [0, *[200_000] * 4]
    filling.unlink()
