"""A PostgreSQL cluster of the tests' own, on loopback and a random port. It refuses to run as root, so we step down."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

from tests.lab.ports import free_port

START_TIMEOUT_S = 60
SHUTDOWN = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
"""Sessions are told to end; everything ends at once, and the next start recovers."""


def programs() -> Path | None:
    """The folder of the newest installed server's programs (Debian keeps them out of PATH)."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if versions:
        return versions[-1].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def missing() -> str | None:
    """Why no cluster can be started here; None when one can."""
    if programs() is None:
        return "no PostgreSQL: the server's programs are not installed"
    if os.geteuid() == 0 and (_unprivileged() is None or shutil.which("setpriv") is None):
        return "no PostgreSQL: running as root, and there is no user postgres or no setpriv to step down with"
    return None


class Cluster:
    """Start with ``with Cluster() as cluster``; ``cluster.url(database)`` is an SQLAlchemy URL with the password."""

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="orch-postgresql-", ignore_cleanup_errors=True)
        self.folder = Path(self._scratch.name)
        self.port = free_port()
        self.password = secrets.token_urlsafe(18)
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Cluster:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    def url(self, database: str = "postgres", driver: str = "postgresql+psycopg") -> str:
        return f"{driver}://orch:{self.password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, template: str = "template1") -> str:
        """Make an empty database, or a copy of ``template``, which nobody may have open; returns its URL."""
        self.sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        self.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def sql(self, statement: str) -> None:
        """Run one statement in the maintenance database. Raises `CalledProcessError`."""
        command = [self._program("psql"), "-qX", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port),
                   "-U", "orch", "-d", "postgres", "-c", statement]
        subprocess.run(command, check=True, env={**os.environ, "PGPASSWORD": self.password}, capture_output=True)

    def start(self) -> None:
        """Return once the server accepts connections. Raises `RuntimeError` with the server's log."""
        password_file = self.folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        user = _unprivileged()
        if os.geteuid() == 0 and user:
            for path in (self.folder, password_file):
                os.chown(path, user.pw_uid, user.pw_gid)
        self._run("initdb", "--pgdata", str(self.folder / "data"), "--username", "orch", "--auth", "scram-sha-256",
                  "--pwfile", str(password_file), "--encoding", "UTF8", "--no-locale", "--no-sync")
        self.serve()

    def serve(self) -> None:
        """Start the server on the data that are there; returns once it accepts connections."""
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*_step_down(), self._program("postgres"), "-D", str(self.folder / "data"), "-h", "127.0.0.1",
                 "-p", str(self.port), "-k", str(self.folder), "-c", "fsync=off", "-c", "max_connections=200"],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self._await_ready()

    def halt(self, mode: str) -> None:
        """What `pg_ctl stop -m MODE` does, for ``fast`` and ``immediate``; returns when the server has ended."""
        assert self.process is not None
        self.process.send_signal(SHUTDOWN[mode])
        self.process.wait(START_TIMEOUT_S)

    def restart(self, mode: str) -> None:
        self.halt(mode)
        self.serve()

    def stop(self) -> None:
        """Stop the server at once and remove the data."""
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        self._scratch.cleanup()

    def _await_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while subprocess.run([self._program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode:
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL: {(self.folder / 'server.log').read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def _run(self, program: str, *args: str) -> None:
        done = subprocess.run([*_step_down(), self._program(program), *args], cwd=self.folder, capture_output=True)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.decode(errors='replace')[-2000:]}")

    def _program(self, name: str) -> str:
        return str((programs() or Path("/usr/bin")) / name)


def _unprivileged() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return None


def _step_down() -> list[str]:
    user = _unprivileged()
    if os.geteuid() != 0 or user is None:
        return []
    # A session of tests that is killed takes its server with it: SIGINT ends that at once, whoever is connected.
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--pdeathsig=INT", "--"]
