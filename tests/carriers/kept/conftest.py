"""Lines that are kept, in one process: the runs, the keeper between them, and a real sshd."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from orchestrator.carriers.base import Connection, Settings
from orchestrator.carriers.kept.fork import lend
from orchestrator.carriers.kept.keeper import Keeper
from orchestrator.carriers.kept.lines import KeptLines
from orchestrator.carriers.open import close_shared, open_connection
from orchestrator.carriers.target import Target, target_of

from ..sshd import Sshd


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short name: a socket's may have 107 bytes."""
    folder = tempfile.mkdtemp(prefix="k", dir="/tmp")
    yield Path(folder)
    shutil.rmtree(folder)


class Runs:
    """Each `run` is a run of its own as far as its lines are concerned; `stay_behind` is what follows it."""

    def __init__(self, settings: Settings, runtime_dir: Path) -> None:
        self.settings = settings
        self.environ = {"XDG_RUNTIME_DIR": str(runtime_dir)}
        self.sockets = runtime_dir / "orch/kept"
        self.keepers: list[asyncio.Task[None]] = []
        self.all: list[Settings] = []
        self.connections: list[Connection] = []

    def run(self, **changes: Any) -> Settings:
        made = replace(self.settings, kept=KeptLines(self.environ), shared={}, **changes)
        self.all.append(made)
        return made

    def target(self, server: Sshd, **variables: Any) -> Target:
        variables = {
            "ansible_host": "127.0.0.1", "ansible_port": server.port, "orch_host_fingerprint": server.fingerprint(),
            "ansible_ssh_private_key_file": str(server.folder / "id"), **variables,
        }
        return target_of("web1", variables.get)

    def connect(self, run: Settings, server: Sshd, **variables: Any) -> Connection:
        connection = open_connection(self.target(server, **variables), run)
        self.connections.append(connection)
        return connection

    async def end(self, run: Settings, connection: Connection) -> int:
        """The run's end: its connection is let go, a keeper takes what is kept. How many lines that are."""
        await connection.close(keep=True)
        kept = run.kept
        assert kept is not None
        lent = [one for one in (lend(offer, kept) for offer in kept.offers.values()) if one]
        if lent:
            self.keepers.append(asyncio.create_task(Keeper(lent).serve()))
            await asyncio.sleep(0)
        await close_shared(run)
        return len(lent)

    async def until_gone(self) -> None:
        async with asyncio.timeout(60):
            await asyncio.gather(*self.keepers)


@pytest.fixture
async def runs(settings: Settings, short: Path) -> AsyncIterator[Runs]:
    made = Runs(replace(settings, persist_s=30.0), short)
    yield made
    for connection in made.connections:
        await connection.close()
    for run in made.all:
        await close_shared(run)
    await made.until_gone()
    assert list(made.sockets.glob("*")) == []


def logins(server: Sshd) -> int:
    return (server.folder / "sshd.log").read_text().count("Accepted publickey")


async def kept(runs: Runs, server: Sshd, **variables: Any) -> None:
    """An earlier run that left its line."""
    run = runs.run()
    connection = runs.connect(run, server, **variables)
    assert (await connection.raw("true")).rc == 0
    assert await runs.end(run, connection) == 1
