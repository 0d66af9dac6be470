"""Workers that are killed, stopped and started: every host of the run gets exactly one result per task.

Sixty hosts are addresses of an sshd on loopback.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet import ADMIN, Fleet, children_of, signalled
from tests.lab.loopback import LoopbackSshd


@pytest.fixture
def fleet(tmp_path: Path, fresh_postgres_url: str, loopback_sshd: LoopbackSshd) -> Iterator[Fleet]:
    made = Fleet(tmp_path, fresh_postgres_url, loopback_sshd)
    yield made
    made.close()


@pytest.fixture
def alone(tmp_path: Path, loopback_sshd: LoopbackSshd) -> Iterator[Fleet]:
    """On SQLite: one process."""
    made = Fleet(tmp_path, None, loopback_sshd, count=10)
    yield made
    made.close()


def test_a_killed_workers_run_is_finished_by_the_other(fleet):
    workers = {name: process for process, name in (fleet.worker(), fleet.worker())}
    run_id = fleet.launch()
    fleet.in_the_middle(run_id)
    first = fleet.run(run_id).worker_id
    workers[first].kill()
    run = fleet.wait(run_id)
    assert run.worker_id in workers.keys() - {first} and run.resumes == 1
    fleet.assert_once(run_id)
    fleet.until(lambda: not fleet.control.dispatch.locks.all(), "its hosts are free", 10)


def test_a_stopped_worker_that_wakes_after_it_was_replaced_writes_nothing(fleet):
    workers = {name: process for process, name in (fleet.worker(), fleet.worker())}
    run_id = fleet.launch()
    fleet.in_the_middle(run_id)
    first = fleet.run(run_id).worker_id
    stopped = [workers[first].pid, *children_of(workers[first].pid)]
    assert len(stopped) == 2, "the worker and the process that drives the run"
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    run = fleet.wait(run_id)
    assert run.worker_id != first
    fleet.assert_once(run_id)
    events = fleet.control.books.database.select('SELECT count(*) FROM events WHERE "run_id" = ?', (run_id,))
    for pid in stopped:
        signalled(pid, signal.SIGCONT)
    fleet.until(lambda: not children_of(workers[first].pid), "the process that woke up has ended", 30)
    fleet.assert_once(run_id)
    assert fleet.control.books.database.select(
        'SELECT count(*) FROM events WHERE "run_id" = ?', (run_id,)) == events
    fleet.until(lambda: {row.id: row.state for row in fleet.control.dispatch.workers.list()}[first] == "up",
                "the worker is back", 30)


def test_both_workers_killed_and_one_started_again(fleet):
    (one, first), (two, second) = fleet.worker(), fleet.worker()
    run_id = fleet.launch()
    fleet.in_the_middle(run_id)
    one.kill()
    two.kill()
    one.wait()
    two.wait()
    _, third = fleet.worker()
    run = fleet.wait(run_id)
    assert run.worker_id == third and third in (first, second)
    fleet.assert_once(run_id)


def test_slices_are_spread_over_workers_and_the_dead_ones_slice_too(fleet):
    workers = {name: process for process, name in (fleet.worker("--capacity", "2"), fleet.worker("--capacity", "2"))}
    run_id = fleet.launch(slices=4)
    fleet.in_the_middle(run_id)
    detail = fleet.control.runs.show(ADMIN, run_id)
    assert {fleet.run(line.id).worker_id for line in detail.slices} == set(workers)
    next(iter(workers.values())).kill()
    assert fleet.wait(run_id).slices == 4
    fleet.assert_once(run_id)


def test_a_run_survives_the_death_of_the_one_process_on_sqlite(alone):
    serve = ("serve", "--agents-port", "0", "--page-port", "0")
    process = alone.start(*serve)
    run_id = alone.launch()
    alone.until(lambda: alone.stored(run_id) >= 12, "the run is at work")
    process.kill()
    process.wait()
    assert alone.run(run_id).status == "running"
    alone.start(*serve)
    run = alone.wait(run_id)
    assert run.resumes == 1
    alone.assert_once(run_id)
