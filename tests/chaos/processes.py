"""The two processes of a round, which end when the round says so: by signal 9, and are started again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
SETTINGS = ('{"first_s": 0, "interval_s": 0.2, "retry_s": [0.1, 0.3, 1.0], "refused_s": [0.3, 0.6], "heartbeat_s": 1,'
            ' "hold_s": 1, "cancel_s": 5, "guard_cpu": 1.0, "update_s": 3}')
"""The owner's settings: a test's patience. The guard is left out: two processors, and much else that runs."""


def wait_until(claim: Callable[[], bool], what: str, limit_s: float = 60.0) -> None:
    end = time.monotonic() + limit_s
    while not claim():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {limit_s:g} s")
        time.sleep(0.01)


class Process:
    """``log``: what it says, over all its lives."""

    def __init__(self, command: list[str], log: Path, env: dict[str, str]) -> None:
        self.command, self.log = command, log
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        if self.is_alive:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                             env=self._env, cwd=ROOT, start_new_session=True)

    def send(self, number: signal.Signals) -> None:
        if self.is_alive:
            os.kill(self.pid, number)

    def end(self, number: signal.Signals = signal.SIGKILL, limit_s: float = 30.0) -> None:
        if self._process is not None and self.is_alive:
            self.send(number)
            try:
                self._process.wait(limit_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise


class Server(Process):
    """`orch serve` on a port of its own that stays the same."""

    def __init__(self, folder: Path, state: Path, plain: bool, broken_release: int | None = None) -> None:
        self.port = _free_port()
        how = ["--proxy"] if plain else ["--name", "localhost", "--name", "127.0.0.1", "--agents-host", "127.0.0.1"]
        command = [sys.executable, "-m", "tests.chaos.server_program", "serve", *how, "--agents-port", str(self.port)]
        env = {**_environment(folder), "ORCH_STATE_DIR": str(state)}
        if broken_release is not None:
            env["BROKEN_RELEASE"] = str(broken_release)
        super().__init__(command, folder / "server.log", env)

    def start(self) -> None:
        super().start()
        wait_until(self._answers, "the server answers")

    def _answers(self) -> bool:
        if not self.is_alive:
            raise AssertionError("the server ended:\n" + self.log.read_text("utf-8", "replace")[-2000:])
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False


class Host(Process):
    """An agentlet. ``folder`` has its state, its home, its clock and its log."""

    def __init__(self, program: Path, folder: Path, state: Path, seed: int, repeat: float) -> None:
        self.state = state
        self.folder = folder
        self._base = [sys.executable, "-IS", str(HERE / "host_program.py"), str(program), str(folder), str(seed),
                      str(repeat)]
        super().__init__([*self._base, "run", "--state", str(state)], folder / "agentlet.log", _environment(folder))

    def enroll(self, url: str, token: str, *options: str) -> None:
        done = subprocess.run([*self._base, "enroll", url, *options, "--state", str(self.state)], input=token + "\n",
                              capture_output=True, text=True, timeout=120, env=self._env)
        assert done.returncode == 0, done.stderr
        (self.state / "settings.json").write_text(SETTINGS)

    def set_clock(self, offset_s: float) -> None:
        """In one act: it is read at any time."""
        temp = self.folder / "clock.new"
        temp.write_text(str(offset_s))
        temp.rename(self.folder / "clock")

    def held(self) -> list[Path]:
        """Folders of jobs that are not delivered."""
        return sorted((self.state / "jobs").glob("*"))


class SmallDisk:
    """A disk of 2 MiB, where this machine lets us mount one; else ``missing`` says why not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", str(folder)],
                              capture_output=True, text=True, timeout=10)
        self.missing = done.stderr.strip() if done.returncode else ""

    def fill(self) -> None:
        """To the last byte."""
        if self.missing:
            return
        with (self.folder / "filler").open("ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    pass

    def clear(self) -> None:
        (self.folder / "filler").unlink(missing_ok=True)

    def close(self) -> None:
        """What was on it is kept for who looks into the round later."""
        if not self.missing:
            kept = self.folder.with_name(self.folder.name + ".kept")
            shutil.copytree(self.folder, kept, ignore_dangling_symlinks=True)
            subprocess.run(["umount", "-l", str(self.folder)], check=True, timeout=10)


def _environment(folder: Path) -> dict[str, str]:
    """Homes and temporary files of a round's own: nothing of it is anywhere else."""
    for name in ("home", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PYTHONUNBUFFERED": "1"}


def _free_port() -> int:
    """Below those that the system gives away: nobody takes it while the server is down."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
            return port
        except OSError:
            pass  # somebody has it
