"""Fixtures of the carriers: a loopback sshd, a key that may log in, and connections that are closed after the test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.carriers.base import Connection, Settings
from orchestrator.carriers.open import close_shared, open_connection
from orchestrator.carriers.target import target_of

from .sshd import SSHD, Sshd, make_key

Opener = Callable[..., Connection]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One server for all tests that do not change it."""
    with_sshd()
    made = Sshd(tmp_path_factory.mktemp("sshd"), host_keys=("ed25519", "ecdsa", "rsa"))
    key = make_key(made.folder / "id")
    made.authorize(key.with_name("id.pub"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """Servers of a test's own, started and stopped for it; each lets the returned folder's ``id`` log in."""
    with_sshd()
    made: list[Sshd] = []

    def start(name: str, *options: str, **how: Any) -> Sshd:
        one = Sshd(tmp_path / name, *options, **how)
        one.authorize(make_key(one.folder / "id").with_name("id.pub"))
        one.start()
        made.append(one)
        return one

    yield start
    for one in made:
        one.stop()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A run of its own: no agent, no configuration but the test's, an empty home."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return Settings(run_id="run", state_dir=str(tmp_path / "state"), ssh_config_file="", keepalive_s=0)


@pytest.fixture
async def opener(settings: Settings) -> AsyncIterator[Opener]:
    """``opener(server, name=…, **variables)``: a connection that trusts the server unless ``trust=False``."""
    made: list[Connection] = []
    used: list[Settings] = [settings]

    def make(
        server: Sshd, name: str = "web1", *, trust: bool = True, with_settings: Settings | None = None, **variables: Any
    ) -> Connection:
        variables = {
            "ansible_host": "127.0.0.1",
            "ansible_port": server.port,
            "ansible_ssh_private_key_file": str(server.folder / "id"),
            **variables,
        }
        if trust:
            variables.setdefault("orch_host_fingerprint", server.fingerprint())
        used.append(with_settings or settings)
        connection = open_connection(target_of(name, variables.get), with_settings or settings)
        made.append(connection)
        return connection

    yield make
    for connection in made:
        await connection.close()
    for one in used:
        await close_shared(one)


def with_sshd() -> None:
    if not shutil.which(SSHD):
        pytest.skip("openssh-server is not installed")
