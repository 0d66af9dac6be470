"""What systemd is to the helper: a socket that is listened on, and a helper for each connection."""

from __future__ import annotations

import json
import os
import pwd
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

from agentlet.pull.door import Door
from agentlet.pull.helper.custody import Custody
from tests.agentlet.pull.gateway_double import JOB_KEY, GatewayDouble, Job


class Helpers:
    """Use as a context manager. ``user``: whose agentlet is served."""

    def __init__(self, program: Path, folder: Path, python: str, user: str, agent: str = "a1") -> None:
        folder.mkdir()
        self.path = str(folder / "socket")
        self.policy = folder / "policy.json"
        self.custody = Custody(str(folder / "root"))
        self.custody.create(user, agent, "web1")
        self.custody.keep_keys([JOB_KEY.hex()])
        self.log = folder / "log"
        self.door = Door(self.path)
        self._command = [python, "-IS", str(program), "helper", "--state", self.custody.state.directory,
                         "--policy", str(self.policy)]
        self._listening = socket.socket(socket.AF_UNIX)
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Helpers:
        self._listening.bind(self.path)
        os.chmod(self.path, 0o666)  # who calls is the kernel's word, not the file's mode
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()
        for process in self._started:
            process.kill()
            process.wait(20)

    def allow(self, **rules: Any) -> None:
        """The policy of this host's owner."""
        self.policy.write_text(json.dumps(rules))

    def kill(self) -> None:
        """All that serve a connection, as a power cut does it to them alone."""
        for process in self._started:
            process.kill()

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def _accept(self) -> None:
        while True:
            try:
                opened, _ = self._listening.accept()
            except OSError:
                return
            with opened, self.log.open("ab") as log:
                self._started.append(subprocess.Popen(
                    self._command, stdin=opened, stdout=log, stderr=log, start_new_session=True,
                    env={"PATH": os.environ["PATH"]}))


class Talk:
    """A session, as an agentlet has it, or as somebody has who has taken one over."""

    def __init__(self, helpers: Helpers, job: Job, gateway: GatewayDouble, user: str = "root") -> None:
        self.line = helpers.door.open(job.text, job.signature, user)
        self.line.socket.settimeout(20)
        self._gateway = gateway
        self._sources = json.loads(job.text)["sources"]

    def send(self, kind: str, body: bytes = b"", **fields: Any) -> None:
        self.line.send({"t": kind, **fields}, body)

    def give_sources(self) -> None:
        import zlib

        for name, digest, _ in self._sources:
            self.send("source", zlib.compress(self._gateway.blobs[digest]), name=name)

    def do(self, *tasks: str, not_again: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        """The results of these tasks."""
        self.send("job", tasks=list(tasks), deadline_s=None, not_again=list(not_again))
        return self.results()

    def results(self) -> list[dict[str, Any]]:
        results = []
        while True:
            header = self.receive()
            assert header is not None and header["t"] not in ("fault", "refused"), header
            if header["t"] == "event" and header["kind"] == "result":
                results.append(header)
            if header["t"] == "event" and header["kind"] == "finished":
                return results

    def receive(self) -> dict[str, Any] | None:
        frame = self.line.receive()
        return None if frame is None else frame[0]

    def leave(self) -> None:
        self.line.shut()
        self.line.close()


def me() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
