"""Secrets that the system's keyring seals: at rest they are nowhere else, and a keyring that fails locks nobody out."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentlet.pull import keyring, sealing
from agentlet.pull.faults import AgentletError
from agentlet.pull.programs import call
from agentlet.pull.state import State
from tests.agentlet.pull.conftest import Host, command
from tests.agentlet.pull.gateway_double import JOB_KEY, GatewayDouble

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or shutil.which("systemd-creds") is None,
                                reason="needs root, and systemd-creds (systemd 250)")
NAMES = ("client.pem", "secrets.json")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(str(tmp_path / "state"))
    made.create()
    yield made
    shutil.rmtree(sealing.folder(made), ignore_errors=True)


def files_with(folder: Path, secret: bytes) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()]


def boot(state: State) -> None:
    """What was in memory is gone."""
    shutil.rmtree(sealing.folder(state))


def test_what_is_sealed_is_read_and_replaced_and_is_not_on_the_disk(state: State, tmp_path: Path) -> None:
    state.write("secrets.json", b'{"token": "canary-1"}')
    assert sealing.seal(state, NAMES, "host") == "host"
    assert state.is_sealed("secrets.json") and not state.is_sealed("client.pem")
    assert state.read_json("secrets.json") == {"token": "canary-1"}
    boot(state)
    assert state.read_json("secrets.json") == {"token": "canary-1"}
    state.write_json("secrets.json", {"token": "canary-2"})
    assert state.read_json("secrets.json") == {"token": "canary-2"}
    boot(state)
    assert state.read_json("secrets.json") == {"token": "canary-2"} and not files_with(tmp_path, b"canary")
    copy = Path(sealing.copy_path(state, "secrets.json"))
    assert [stat.S_IMODE(path.stat().st_mode) for path in (copy, copy.parent, copy.parent.parent)] == [
        0o600, 0o700, 0o700]
    state.remove("secrets.json")
    assert state.read("secrets.json") is None and not copy.exists()


def test_what_another_machine_sealed_does_not_open_and_says_what_to_do(state: State) -> None:
    state.write("secrets.json", b"{}")
    sealing.seal(state, NAMES, "host")
    path = Path(state.path("secrets.json.sealed"))
    path.write_text(path.read_text().replace('"sealed": "', '"sealed": "4142'))
    boot(state)
    with pytest.raises(AgentletError, match="orch agents invite HOST"):
        state.read("secrets.json")


def test_a_keyring_that_fails_at_a_renewal_locks_nobody_out(
    state: State, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    state.write("secrets.json", b"old")
    sealing.seal(state, NAMES, "host")
    monkeypatch.setenv("PATH", "/nowhere")
    state.write("secrets.json", b"new")
    assert "it is a file now" in capfd.readouterr().err
    boot(state)
    assert state.read("secrets.json") == b"new" and not state.is_sealed("secrets.json")
    assert stat.S_IMODE(os.stat(state.path("secrets.json")).st_mode) == 0o600


def test_without_a_keyring_there_are_files_unless_one_was_asked_for(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.write("secrets.json", b"{}")
    assert sealing.seal(state, NAMES, "file") is None
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(keyring, "choose", lambda choice: "host")
    assert sealing.seal(state, NAMES, "auto") is None and state.read("secrets.json") == b"{}"
    with pytest.raises(AgentletError, match="--keyring file"):
        sealing.seal(state, NAMES, "host")


def test_what_was_sealed_can_be_a_file_again(state: State) -> None:
    state.write("secrets.json", b"{}")
    sealing.seal(state, NAMES, "host")
    sealing.seal(state, NAMES, "file")
    assert not state.is_sealed("secrets.json") and Path(state.path("secrets.json")).read_bytes() == b"{}"


def test_an_agentlet_works_and_renews_with_sealed_secrets(host: Host, gateway: GatewayDouble) -> None:
    host.enroll("--pin", gateway.ca.pin(), "--keyring", "host")
    sealed = State(str(host.state))
    try:
        assert not (host.state / "client.pem").exists() and not files_with(host.state, JOB_KEY.hex().encode())
        assert not files_with(host.state, b"PRIVATE KEY")
        boot(sealed)
        host.run()
        gateway.offer([command(1, "echo hi")])
        assert gateway.await_finished().results[0]["values"]["stdout"] == "hi"
        before = (host.state / "client.pem.sealed").read_bytes()
        gateway.order(renew=True)
        host.await_said("renewed its keys")
        assert (host.state / "client.pem.sealed").read_bytes() != before
        assert not files_with(host.state, b"PRIVATE KEY")
        gateway.offer([command(1, "echo again")], "job-2")
        assert gateway.await_finished("job-2").results[0]["values"]["stdout"] == "again"
        assert "sealed by the keyring" in host.call("status").stdout
    finally:
        shutil.rmtree(sealing.folder(sealed), ignore_errors=True)


def test_secrets_are_in_no_argument_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of macOS's keychain too: its program is played by one that writes down what it is given."""
    for name in ("systemd-creds", "security"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/argv\ncat >>{tmp_path}/stdin\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    keyring.of("host+tpm2").seal("secrets.json", b"canary")
    assert keyring.of("keychain").seal("secrets.json", b"canary")
    assert "canary" in (tmp_path / "stdin").read_text() and b"canary".hex() in (tmp_path / "stdin").read_text()
    argv = (tmp_path / "argv").read_text()
    assert "canary" not in argv and b"canary".hex() not in argv and "--with-key=host+tpm2 --tpm2-pcrs= " in argv


def test_a_program_is_called_without_waiting_for_ever() -> None:
    assert call(["cat"], b"x" * 30000) == (0, b"x" * 30000)
    assert call(["sh", "-c", "echo a; exit 3"]) == (3, b"a\n")
    assert call(["true"], b"nobody reads this") == (0, b"")
    with pytest.raises(FileNotFoundError):
        call(["no-such-program"])
    began = time.monotonic()
    with pytest.raises(OSError):
        call(["sleep", "777.25"], limit_s=0.2)
    assert time.monotonic() - began < 60
    assert subprocess.run(["pgrep", "-f", "sleep 777.25"], capture_output=True).returncode == 1
