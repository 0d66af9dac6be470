"""Workers that are killed, stopped and started: every host of the run gets exactly one result per task.

Sixty hosts are addresses of an sshd on loopback. Each task writes one line to a file of its host: what ran twice shows.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.access.rights import Identity
from orchestrator.control.control import Control, open_control
from orchestrator.runs.records import Run
from orchestrator.runs.requests import RunRequest
from orchestrator.store.records import ENDED
from tests.lab.loopback import LoopbackSshd

ADMIN = Identity("u-admin", "ann", "admin")
SILENCE_S = "8"
DEADLINE_S = 120
TASKS = ("one", "two", "three", "four", "five", "six")
SITE = """
- hosts: all
  gather_facts: false
  tasks:
{tasks}
"""
TASK = ("    - {{name: {name}, shell: \"echo x >> {folder}/{{{{ inventory_hostname }}}}.{name}; sleep {nap};"
        " echo done\"}}\n")


class Fleet:
    """A state directory, a store, sixty hosts, and workers in processes of their own."""

    def __init__(self, folder: Path, url: str | None, sshd: LoopbackSshd, count: int = 60) -> None:
        self.folder, self.url, self.count = folder, url, count
        self.state = folder / ".orch"
        self.site, self.counts = folder / "site", folder / "counts"
        for path in (self.site, self.counts):
            path.mkdir()
        (self.site / "hosts.ini").write_text(sshd.inventory(count))
        self.tasks()
        self.processes: list[subprocess.Popen[str]] = []
        self.control: Control = open_control(self.state, url)
        project = self.control.projects.create(ADMIN, "site", "directory", path=str(self.site))
        inventory = self.control.inventories.create(ADMIN, "hosts", "files", project_id=project.id,
                                                    sources=["hosts.ini"])
        self.request = RunRequest(project.id, "site.yml", inventory.id)

    def tasks(self, nap: float = 0.7) -> None:
        (self.site / "site.yml").write_text(SITE.format(tasks="".join(
            TASK.format(name=name, folder=self.counts, nap=nap) for name in TASKS)))

    def start(self, *command: str) -> subprocess.Popen[str]:
        """An `orch` that says in one line that it is there."""
        environ = {**os.environ, "ORCH_STATE_DIR": str(self.state), **({"ORCH_STORE": self.url} if self.url else {})}
        process = subprocess.Popen([sys.executable, "-m", "orchestrator.cli.main", *command], env=environ, text=True,
                                   cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.processes.append(process)
        return process

    def worker(self, *more: str) -> tuple[subprocess.Popen[str], str]:
        """A worker that takes runs, and its id."""
        process = self.start("worker", "--silence", SILENCE_S, *more)
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.match(r"worker (\S+):", line)
        assert found, line
        return process, found.group(1)

    def launch(self, **more: object) -> str:
        from msgspec import structs

        return self.control.launches.launch(ADMIN, structs.replace(self.request, **more))

    def run(self, run_id: str) -> Run:
        found = self.control.dispatch.find(run_id)
        assert found is not None
        return found

    def wait(self, run_id: str) -> Run:
        self.until(lambda: self.run(run_id).status in ENDED, f"run {run_id} ends")
        return self.run(run_id)

    def until(self, condition, what: str, deadline_s: float = DEADLINE_S) -> None:
        deadline = time.monotonic() + deadline_s
        while not condition():
            assert time.monotonic() < deadline, what
            time.sleep(0.05)

    def stored(self, run_id: str) -> int:
        """Results of the run, its slices' among them."""
        ((count,),) = self.control.books.database.select(
            'SELECT count(*) FROM task_results t JOIN runs r ON r."id" = t."run_id"'
            ' WHERE r."id" = ? OR r."parent_id" = ?', (run_id, run_id))
        return int(count)

    def assert_once(self, run_id: str) -> None:
        """One result of each task on each host, and what the hosts themselves say."""
        rows = self.control.books.database.select(
            'SELECT t."host", t."task_name", t."status" FROM task_results t JOIN runs r ON r."id" = t."run_id"'
            ' WHERE r."id" = ? OR r."parent_id" = ?', (run_id, run_id))
        counted = Counter((host, task) for host, task, _ in rows)
        assert set(counted.values()) == {1}, [key for key, count in counted.items() if count != 1][:10]
        assert len(counted) == self.count * len(TASKS)
        assert {status for _, _, status in rows} == {"changed"}
        lines = {path.name: path.read_text() for path in self.counts.iterdir()}
        assert len(lines) == self.count * len(TASKS)
        assert not sorted(name for name, text in lines.items() if text != "x\n"), "ran more than once"
        run = self.run(run_id)
        assert run.status == "ok" and {line["ok"] for line in run.recap.values()} == {len(TASKS)}

    def in_the_middle(self, run_id: str) -> None:
        """Wait until some results are stored, and many are not."""
        self.until(lambda: self.stored(run_id) >= self.count * 1.2, "the run is at work")
        assert self.stored(run_id) < self.count * len(TASKS)

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                for pid in [process.pid, *children_of(process.pid)]:
                    signalled(pid, signal.SIGCONT)
                process.terminate()
        for process in self.processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdout is not None
            process.stdout.close()
        self.control.close()


def children_of(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir() if Path(f"/proc/{pid}/task").exists() else ():
        found += [int(word) for word in (task / "children").read_text().split()]
    return found


def signalled(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


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
