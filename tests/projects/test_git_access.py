"""Getting into repositories: by a token over https, by a key over ssh; and nothing secret lies about meanwhile."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.control.control import Control
from orchestrator.projects.git import Fetch, GitError, Login, fetch
from orchestrator.projects.urls import parse_url
from tests.carriers.sshd import Sshd, make_key

from .conftest import ADMIN, committed
from .git_server import GitServer

TOKEN = "canary-token-9d1e-never-to-be-seen"


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    committed(tmp_path / "repos" / "web", {"site.yml": "- hosts: all\n"})
    return tmp_path / "repos" / "web"


@pytest.fixture
def server(origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitServer]:
    made = GitServer(origin.parent, "bot", TOKEN, tmp_path)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(made.certificate))
    yield made
    made.stop()


def everything_below(*folders: Path) -> bytes:
    return b"".join(path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file())


def processes_say() -> str:
    """Arguments and environments of all processes there are, but this one's environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            for name in ("cmdline", "environ"):
                try:
                    found.append((entry / name).read_bytes().decode("utf-8", "replace"))
                except OSError:
                    pass
    return "\n".join(found)


def test_a_token_gets_in_and_is_nowhere_else(server: GitServer, tmp_path: Path) -> None:
    server.go_on.clear()
    wanted = Fetch(tmp_path / "project", parse_url(f"{server.url}/web"), "main", Login("bot", TOKEN))
    ends: list[object] = []

    def act() -> None:
        try:
            ends.append(fetch(wanted))
        except GitError as error:
            ends.append(error)

    fetching = threading.Thread(target=act)
    fetching.start()
    assert server.during.wait(30), ends or server.seen
    said = processes_say()
    server.go_on.set()
    fetching.join(60)
    assert "web" in said and f"{server.url}/web" in said, "git was running"
    assert TOKEN not in said
    assert isinstance(ends[0], str) and len(ends[0]) == 40, ends
    assert TOKEN.encode() not in everything_below(tmp_path / "project") and TOKEN not in repr(wanted)
    assert (tmp_path / "project" / "trees" / ends[0] / "site.yml").exists()


def test_a_wrong_token_is_told_without_being_repeated(server: GitServer, tmp_path: Path) -> None:
    wanted = Fetch(tmp_path / "project", parse_url(f"{server.url}/web"), "main", Login("bot", "wrong-" + TOKEN))
    with pytest.raises(GitError) as refused:
        fetch(wanted)
    assert TOKEN not in refused.value.message and "Authentication failed" in refused.value.message
    with pytest.raises(GitError):
        fetch(Fetch(tmp_path / "project", parse_url(f"{server.url}/web"), "main"))


def test_a_redirect_takes_the_token_nowhere(server: GitServer, origin: Path, tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "first").mkdir()
    first = GitServer(origin.parent, "bot", TOKEN, tmp_path / "first", redirect=server.url)
    bundle = tmp_path / "both.pem"
    bundle.write_bytes(first.certificate.read_bytes() + server.certificate.read_bytes())
    monkeypatch.setenv("GIT_SSL_CAINFO", str(bundle))
    try:
        with pytest.raises(GitError):
            fetch(Fetch(tmp_path / "project", parse_url(f"{first.url}/web"), "main", Login("bot", TOKEN)))
    finally:
        first.stop()
    assert server.seen == []


def test_the_servers_own_settings_play_no_part(server: GitServer, tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f'[url "file:///"]\n  insteadOf = {server.url}\n[core]\n  fsmonitor = touch {home}/ran\n')
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_SSH_COMMAND", f"touch {home}/ran")
    assert fetch(Fetch(tmp_path / "project", parse_url(f"{server.url}/web"), "main", Login("bot", TOKEN)))
    assert not (home / "ran").exists()


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_key_gets_in_over_ssh_and_stays_in_this_process(kind: str, origin: Path, tmp_path: Path) -> None:
    key = make_key(tmp_path / "deploy", kind, passphrase="canary-passphrase")
    server = Sshd(tmp_path / "sshd")
    server.authorize(key.with_name("deploy.pub"))
    server.start()
    known = tmp_path / "known hosts"
    known.write_text(server.known_line())
    url = parse_url(f"ssh://{server.user}@127.0.0.1:{server.port}{origin}")
    login = Login(private_key=key.read_text(), passphrase="canary-passphrase")
    key.unlink()
    try:
        commit = fetch(Fetch(tmp_path / "project", url, "main", login, (known,)))
        with pytest.raises(GitError, match="[Hh]ost key"):
            fetch(Fetch(tmp_path / "other", url, "main", login))
        with pytest.raises(GitError, match="[Pp]ermission denied"):
            fetch(Fetch(tmp_path / "other", url, "main", Login(), (known,)))
    finally:
        server.stop()
    assert (tmp_path / "project" / "trees" / commit / "site.yml").exists()
    assert b"PRIVATE KEY" not in everything_below(tmp_path / "project", tmp_path / "other")
    assert "canary-passphrase" not in processes_say()


def test_a_project_uses_its_credential_and_that_is_written_down(control: Control, server: GitServer) -> None:
    token = control.credentials.create(ADMIN, "forge", "git_token", {"username": "bot", "token": TOKEN})
    made = control.projects.create(ADMIN, "web", "git", url=f"{server.url}/web", ref="main", credential_id=token.id)
    assert control.projects.sync(ADMIN, made.id).commit
    assert [(use.actor, use.what) for use in control.credentials.uses(ADMIN, token.id)] == [("ann", "project web")]
