"""The SSH authority: certificates that a real sshd takes, for minutes, for their principals alone."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.errors import UsageError
from orchestrator.security.ssh_ca import KEY, SshAuthority, UserCertificate
from tests.carriers.conftest import new_server  # noqa: F401  fixtures are found by name
from tests.carriers.sshd import Sshd


@pytest.fixture
def authority(tmp_path: Path) -> SshAuthority:
    made = SshAuthority(tmp_path / "state")
    made.create()
    return made


@pytest.fixture
def server(authority: SshAuthority, tmp_path: Path, new_server: Callable[..., Sshd]) -> Sshd:  # noqa: F811
    """It trusts the authority, and no key."""
    trusted = tmp_path / "trusted_ca"
    trusted.write_text(authority.public_line() + "\n")
    made = new_server("server", f"TrustedUserCAKeys {trusted}")
    made.authorized_keys.write_text("")
    return made


def log_in(server: Sshd, made: UserCertificate, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """By OpenSSH's own client: what it takes of our certificate is what the world takes."""
    folder = tmp_path / f"login-{made.serial}"
    folder.mkdir()
    key, certificate, known = folder / "key", folder / "key-cert.pub", folder / "known"
    key.write_text(made.private_key)
    key.chmod(0o600)
    certificate.write_text(made.certificate)
    known.write_text(server.known_line())
    return subprocess.run(
        ["ssh", "-F", "none", "-i", str(key), "-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes", "-o",
         "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-p", str(server.port),
         f"{server.user}@127.0.0.1", "id -un"],
        capture_output=True, text=True, timeout=30)


def test_a_real_sshd_takes_it(server: Sshd, authority: SshAuthority, tmp_path: Path) -> None:
    made = authority.issue([server.user], "orch run 20260131-1", timedelta(minutes=10))
    assert log_in(server, made, tmp_path).stdout.strip() == server.user
    assert f'ID "orch run 20260131-1" (serial {made.serial})' in (server.folder / "sshd.log").read_text()


@pytest.mark.parametrize("case", ["principal", "expired", "stranger", "address"])
def test_a_real_sshd_refuses_it(case: str, server: Sshd, authority: SshAuthority, tmp_path: Path) -> None:
    if case == "principal":
        made = authority.issue(["somebody-else"], "r", timedelta(0))
    elif case == "expired":
        past = SshAuthority(tmp_path / "state", lambda: datetime.now(UTC) - timedelta(hours=1))
        made = past.issue([server.user], "r", timedelta(minutes=30))
    elif case == "stranger":
        other = SshAuthority(tmp_path / "other")
        other.create()
        made = other.issue([server.user], "r", timedelta(0))
    else:
        made = authority.issue([server.user], "r", timedelta(0), source_addresses=["192.0.2.0/24"])
    assert log_in(server, made, tmp_path).returncode == 255


def test_it_outlives_the_run_by_a_quarter_of_an_hour(tmp_path: Path) -> None:
    now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    authority = SshAuthority(tmp_path, lambda: now)
    authority.create()
    made = authority.issue(["deploy"], "orch run x", timedelta(minutes=30))
    assert made.valid_until == now + timedelta(minutes=45)
    path = tmp_path / "cert.pub"
    path.write_text(made.certificate)
    said = subprocess.run(["ssh-keygen", "-Lf", str(path)], capture_output=True, text=True, check=True,
                          env={"TZ": "UTC", "PATH": "/usr/bin:/bin"}).stdout
    assert "from 2026-11-21T11:55:00 to 2026-11-21T12:45:00" in said
    assert "permit-pty" in said and "permit-agent-forwarding" not in said and "permit-X11" not in said
    assert authority.issue(["d"], "x", timedelta(days=900)).valid_until == now + timedelta(days=7)


def test_its_key_is_made_once_for_its_owner_alone(authority: SshAuthority) -> None:
    path = authority.folder / KEY
    before = path.read_bytes()
    authority.create()
    assert path.read_bytes() == before and path.stat().st_mode & 0o777 == 0o600
    assert authority.folder.stat().st_mode & 0o777 == 0o700
    path.chmod(0o644)
    with pytest.raises(UsageError, match="others may read"):
        authority.issue(["deploy"], "x", timedelta(0))


def test_no_principal_would_mean_every_account(authority: SshAuthority) -> None:
    with pytest.raises(UsageError):
        authority.issue([], "x", timedelta(0))


def test_no_two_runs_share_a_key(authority: SshAuthority) -> None:
    one, two = (authority.issue(["deploy"], "x", timedelta(0)) for _ in range(2))
    assert one.private_key != two.private_key and one.serial != two.serial
    assert "PRIVATE" not in repr(one)
