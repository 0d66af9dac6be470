"""`orch trust` enrols keys after showing them, and `orch run` goes by what was enrolled; on a real sshd."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Orch
from tests.lab.loopback import LoopbackSshd


@pytest.fixture
def address(loopback_sshd: LoopbackSshd, project: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where an sshd listens that nobody trusts yet; ``ssh.yml`` is an inventory with it as ``far``."""
    variables = {name: value for name, value in loopback_sshd.variables().items() if "common_args" not in name}
    lines = "".join(f"      {name}: {value}\n" for name, value in variables.items())
    (project / "ssh.yml").write_text(f"all:\n  hosts:\n    far:\n{lines}")
    monkeypatch.setenv("HOME", str(project))
    return f"127.0.0.1:{loopback_sshd.port}"


@pytest.mark.parametrize("name", [lambda address: [address], lambda _: ["far", "-i", "ssh.yml"]],
                         ids=["address", "inventory"])
def test_shown_enrolled_and_known_from_then_on(orch: Orch, address: str, name: Callable[[str], list[str]]) -> None:
    first = orch("trust", *name(address), "--yes")
    assert first.code == 0
    assert "SHA256:" in first.out and "enrolled" in first.out
    assert "trusted already" in orch("trust", *name(address), "--yes").out


def test_a_host_is_reached_only_when_it_is_trusted(orch: Orch, address: str) -> None:
    before = orch("exec", "far", "-i", "ssh.yml", "-m", "ping", "-o")
    assert before.code == 4
    assert "orch trust" in before.err
    assert orch("trust", "far", "-i", "ssh.yml", "--yes").code == 0
    assert orch("exec", "far", "-i", "ssh.yml", "-m", "ping", "-o").out.startswith("far | SUCCESS")


def test_nobody_to_ask_enrols_nothing(orch: Orch, address: str) -> None:
    said = orch("trust", address)
    assert said.code == 1
    assert "--fingerprint" in said.err
    assert orch("trust", address).code == 1


def test_a_fingerprint_decides(orch: Orch, address: str) -> None:
    assert orch("trust", address, "--fingerprint", "SHA256:nonsense").code == 1
    shown = re.search(r"SHA256:\S+", orch("trust", address).out)
    assert shown is not None
    assert orch("trust", address, "--fingerprint", shown[0]).code == 0


def test_what_cannot_be_reached_is_4(orch: Orch) -> None:
    said = orch("trust", "127.0.0.1:1", "--yes")
    assert said.code == 4
    assert "127.0.0.1" in said.err


@pytest.mark.parametrize("name", ["host:port", "host:0", "host:99999"])
def test_a_port_is_a_number(orch: Orch, name: str) -> None:
    said = orch("trust", name, "--yes")
    assert said.code == 1
    assert "port" in said.err and "Traceback" not in said.err
