"""A server's processes for tests: a state directory, a store, hosts that are addresses of one sshd, and `orch` itself.

Each task of its playbook writes one line to a file of its host: what ran twice shows.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from msgspec import structs

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
TASK = ("    - {{name: {name}, shell: \"echo x >> {{{{ folder }}}}/{{{{ inventory_hostname }}}}.{name};"
        " sleep {{{{ nap }}}}; echo done\"}}\n")


class Fleet:
    """A state directory, a store, ``count`` hosts, and workers in processes of their own."""

    def __init__(self, folder: Path, url: str | None, sshd: LoopbackSshd, count: int = 60) -> None:
        self.folder, self.url, self.count = folder, url, count
        self.state = folder / ".orch"
        self.site, self.counts = folder / "site", folder
        self.site.mkdir()
        (self.site / "hosts.ini").write_text(sshd.inventory(count))
        (self.site / "site.yml").write_text(SITE.format(tasks="".join(TASK.format(name=name) for name in TASKS)))
        self._runs = itertools.count(1)
        self.processes: list[subprocess.Popen[str]] = []
        self.control: Control = open_control(self.state, url)
        project = self.control.projects.create(ADMIN, "site", "directory", path=str(self.site))
        inventory = self.control.inventories.create(ADMIN, "hosts", "files", project_id=project.id,
                                                    sources=["hosts.ini"])
        self.request = RunRequest(project.id, "site.yml", inventory.id)

    def start(self, *command: str) -> subprocess.Popen[str]:
        """An `orch` that says in one line that it is there."""
        environ = {**os.environ, "ORCH_STATE_DIR": str(self.state), **({"ORCH_STORE": self.url} if self.url else {})}
        with (self.folder / "orch.log").open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "orchestrator.cli.main", *command], env=environ,
                                       text=True, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=log)
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
        return self.control.launches.launch(ADMIN, structs.replace(self.request, extra_vars=self.counted(), **more))

    def counted(self, nap: float = 0.7) -> dict[str, object]:
        """The playbook's variables for a new run, which `assert_once` is about from then on."""
        self.counts = self.folder / f"counts{next(self._runs)}"
        self.counts.mkdir()
        return {"folder": str(self.counts), "nap": nap}

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
        self.until(lambda: self.stored(run_id) >= self.count * 1.2 or self.run(run_id).status in ENDED, "it is at work")
        assert self.count <= self.stored(run_id) < self.count * len(TASKS), self.run(run_id).message

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
