"""Whole `orch serve` processes on one PostgreSQL, and who uses them: a browser that is logged in, and its streams."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from orchestrator.access.identities import by_command_line
from tests.e2e.fleet import DEADLINE_S, TASKS, Fleet
from tests.lab.loopback import LoopbackSshd
from tests.lab.postgresql import Cluster

BY_HAND = by_command_line("tests")
PASSWORD = "four words are enough"
SERVE = ("serve", "--agents-host", "127.0.0.1", "--agents-port", "0", "--page-port", "0")


@dataclass
class Server:
    process: subprocess.Popen[str]
    url: str

    def get(self, path: str) -> httpx.Response:
        """As a stranger."""
        return httpx.get(self.url + path, timeout=60)


class Site(Fleet):
    """``cluster`` is this site's own: it may be restarted."""

    def __init__(self, folder: Path, cluster: Cluster, sshd: LoopbackSshd, count: int = 20) -> None:
        self.cluster = cluster
        super().__init__(folder, cluster.create_database("site"), sshd, count)
        self.servers: list[Server] = []
        made = self.control.users.add(BY_HAND, "ann", "admin")
        self.control.users.set_password(BY_HAND, made.id, PASSWORD, must_change=False)

    def two(self) -> tuple[Server, Server]:
        """Two servers that are up, each with a worker that is."""
        while len(self.servers) < 2:
            self.serve()
        return self.servers[0], self.servers[1]

    def serve(self, *more: str) -> Server:
        process = self.start(*SERVE, *more)
        assert process.stdout is not None
        url = next((found[1] for line in process.stdout if (found := re.match(r"page: (\S+)", line))), None)
        assert url is not None, (self.folder / "orch.log").read_text()[-2000:]
        server = Server(process, url)
        self.servers.append(server)
        self.until(lambda: self.worker_of(server), "its worker is up")
        return server

    def worker_of(self, server: Server) -> str | None:
        """The id of the worker within."""
        return next((row.id for row in self.control.dispatch.workers.list()
                     if row.pid == server.process.pid and row.state == "up"), None)

    def gone(self, server: Server) -> None:
        """It has ended, or will."""
        server.process.wait(DEADLINE_S)
        self.servers.remove(server)

    def login(self, server: Server) -> httpx.Client:
        """A session of ann's, whose cookie goes to every server."""
        client = httpx.Client(timeout=60)
        answer = client.post(f"{server.url}/api/v1/auth/login", json={"name": "ann", "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        return client

    def asked(self, nap: float = 0.7, **more: Any) -> dict[str, Any]:
        """The body of a launch."""
        request = self.request
        return {"project_id": request.project_id, "playbook": request.playbook, "inventory_id": request.inventory_id,
                "extra_vars": self.counted(nap), **more}


class Follower(threading.Thread):
    """Reads a run's stream as a browser does: from ``servers`` in turn, behind the last message that it had.

    They are looked at anew each time: tests stop and start some meanwhile.
    """

    def __init__(self, servers: Sequence[Server], run_id: str, client: httpx.Client) -> None:
        super().__init__(daemon=True)
        self._servers = servers
        self._path = f"/api/v1/runs/{run_id}/events"
        self._cookies = dict(client.cookies)
        self._position = ""
        self._deadline = time.monotonic() + 4 * DEADLINE_S
        self.connections = 0
        self.results: Counter[tuple[str, str]] = Counter()
        self.ended = ""
        self.start()

    def run(self) -> None:
        while not self.ended and time.monotonic() < self._deadline:
            url = self._servers[self.connections % len(self._servers)].url + self._path
            self.connections += 1
            try:
                self._read(url)
            except httpx.HTTPError:
                pass
            time.sleep(0 if self.ended else 0.2)

    def _read(self, url: str) -> None:
        headers = {"Last-Event-ID": self._position} if self._position else {}
        with httpx.stream("GET", url, headers=headers, cookies=self._cookies, timeout=60) as answer:
            kind = ""
            for line in answer.iter_lines() if answer.status_code == 200 else ():
                name, _, value = line.partition(": ")
                if name == "id":
                    self._position = value
                elif name == "event":
                    kind = value
                elif name == "data" and kind == "result":
                    found = json.loads(value)
                    self.results[found["host"], found["task_name"]] += 1
                elif name == "data" and kind == "end":
                    self.ended = json.loads(value)["status"]
                    return

    def assert_told_once(self, count: int) -> None:
        """It has had every result, once, and the run's end."""
        self.join(DEADLINE_S)
        assert self.ended == "ok"
        assert len(self.results) == count * len(TASKS) and set(self.results.values()) == {1}
