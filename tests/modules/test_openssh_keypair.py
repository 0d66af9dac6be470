"""A key pair is what was asked for, is made once, and is never lost by surprise."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from agentlet.execute import execute
from agentlet.host import local_host

MODULE = "openssh_keypair"


def run(check: bool = False, **args: object) -> dict[str, object]:
    return execute(MODULE, args, local_host(check_mode=check))


def keygen(path: Path, *options: str, passphrase: str = "") -> None:
    subprocess.run(["ssh-keygen", "-q", "-f", path, "-N", passphrase, "-C", "old", *options], check=True)


@pytest.mark.parametrize(("args", "kind", "size"), [
    pytest.param({"type": "ed25519"}, "ed25519", 256, id="ed25519"),
    pytest.param({"type": "ecdsa", "size": 384}, "ecdsa", 384, id="ecdsa"),
    pytest.param({"type": "rsa", "size": 2048}, "rsa", 2048, id="rsa"),
])
def test_a_pair_is_predicted_made_and_left_alone(tmp_path: Path, args: dict[str, object], kind: str, size: int) -> None:
    path = tmp_path / "key"
    asked = {"path": str(path), "comment": "its comment", **args}
    assert run(True, **asked)["status"] == "changed" and not list(tmp_path.iterdir())
    made = run(**asked)
    assert made["status"] == "changed"
    assert (made["values"]["type"], made["values"]["size"]) == (kind, size)
    assert made["values"]["fingerprint"].startswith("SHA256:") and made["values"]["comment"] == "its comment"
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["key", "key.pub"]
    again = run(**asked)
    assert again["status"] == "ok" and again["values"]["fingerprint"] == made["values"]["fingerprint"]


@pytest.mark.parametrize(("regenerate", "status"), [
    pytest.param("never", "ok", id="never"),
    pytest.param("fail", "failed", id="fail"),
    pytest.param("partial_idempotence", "changed", id="partial"),
    pytest.param("full_idempotence", "changed", id="full"),
    pytest.param("always", "changed", id="always"),
])
def test_a_key_of_another_type_is_replaced_as_regenerate_says(tmp_path: Path, regenerate: str, status: str) -> None:
    path = tmp_path / "key"
    keygen(path, "-t", "ed25519")
    before = path.read_bytes()
    done = run(path=str(path), type="ecdsa", regenerate=regenerate)
    assert done["status"] == status, done
    assert (path.read_bytes() != before) == (status == "changed")


@pytest.mark.parametrize(("regenerate", "status"), [("partial_idempotence", "failed"), ("full_idempotence", "changed")])
def test_a_key_behind_a_passphrase_is_not_lost_by_surprise(tmp_path: Path, regenerate: str, status: str) -> None:
    path = tmp_path / "key"
    keygen(path, "-t", "ed25519", passphrase="word of mouth")
    assert run(path=str(path), type="ed25519", regenerate=regenerate)["status"] == status


def test_a_comment_follows_without_a_new_key(tmp_path: Path) -> None:
    path = tmp_path / "key"
    keygen(path, "-t", "ed25519")
    public = Path(f"{path}.pub").read_text().split()[1]
    asked = {"path": str(path), "type": "ed25519", "comment": "new"}
    assert run(**asked)["status"] == "changed"
    assert Path(f"{path}.pub").read_text().split()[1:] == [public, "new"]
    assert run(**asked)["status"] == "ok"


def test_a_lost_public_key_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "key"
    keygen(path, "-t", "ed25519")
    before = Path(f"{path}.pub").read_text().split()[:2]
    Path(f"{path}.pub").unlink()
    assert run(path=str(path), type="ed25519")["status"] == "changed"
    assert Path(f"{path}.pub").read_text().split()[:2] == before


def test_both_parts_go(tmp_path: Path) -> None:
    path = tmp_path / "key"
    keygen(path, "-t", "ed25519")
    assert run(path=str(path), state="absent")["status"] == "changed"
    assert not list(tmp_path.iterdir())
    assert run(path=str(path), state="absent")["status"] == "ok"


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = run(path=str(tmp_path / "none" / "key"))
    assert done["error"]["code"] == "no_directory"
