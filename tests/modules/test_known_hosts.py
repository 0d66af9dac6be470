"""known_hosts: keys come, are replaced, are hashed as ssh-keygen reads them, and go."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

A = "AAAAC3NzaC1lZDI1NTE5AAAAIJ4kLxmJm7Y0bMS9yLKw9kCVrpzbDR7CR1oHrbKmZbB9"
B = "AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBmJm7Y0bMS9yLKw9kCVrpzbDR7CR1oHrbKmZbB9"
HASHED = "|1|ptPYG2AwNgEFfRPVnaE2FzQkkno=|BT35O+yQOKzWmmt3ov2fDfqbRiw="
ED, EC = "ssh-ed25519", "ecdsa-sha2-nistp256"
OTHERS = "# mine \xe9\nother,10.0.0.1 ssh-rsa AAAA\n"

CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "first": ("", {"key": f"web {ED} {A}"}, f"web {ED} {A}\n"),
    "added": (OTHERS, {"key": f"web,10.0.0.9 {ED} {A} comment"}, OTHERS + f"web,10.0.0.9 {ED} {A} comment\n"),
    "no line end": ("x ssh-rsa AAAA", {"key": f"web {ED} {A}"}, f"x ssh-rsa AAAA\nweb {ED} {A}\n"),
    "replaced": (f"web {ED} {B}\n{OTHERS}", {"key": f"web {ED} {A}"}, f"{OTHERS}web {ED} {A}\n"),
    "another kind": (f"web {EC} {B}\n", {"key": f"web {ED} {A}"}, f"web {EC} {B}\nweb {ED} {A}\n"),
    "upper case": (OTHERS, {"name": "WEB", "key": f"WEB {ED} {A}"}, f"{OTHERS}WEB {ED} {A}\n"),
    "port": ("", {"name": "[web]:2222", "key": f"[web]:2222 {ED} {A}"}, f"[web]:2222 {ED} {A}\n"),
    "revoked goes": (f"web {ED} {A}\n@revoked web {ED} {A}\n", {"state": "absent", "key": f"@revoked web {ED} {A}"},
                     f"web {ED} {A}\n"),
    "all go": (f"web {ED} {A}\n{OTHERS}web {EC} {B}\n", {"state": "absent"}, OTHERS),
    "one goes": (f"web {ED} {A}\nweb {EC} {B}\n", {"state": "absent", "key": f"web {ED} {A}"}, f"web {EC} {B}\n"),
}


@pytest.mark.parametrize(("before", "args", "after"), CASES.values(), ids=CASES.keys())
def test_the_file_is_as_asked(on_host: Any, tmp_path: Path, before: str, args: dict[str, Any], after: str) -> None:
    path = tmp_path / "known"
    if before:
        path.write_bytes(before.encode("latin-1"))
    on_host.converge("known_hosts", {"name": "web", "path": str(path), **args})
    assert path.read_bytes() == after.encode("latin-1")


def test_a_hashed_name_is_found_by_ssh_and_by_us(on_host: Any, tmp_path: Path) -> None:
    path = tmp_path / "known"
    args = {"name": "web", "path": str(path), "key": f"web {ED} {A}", "hash_host": True}
    done = [on_host.run("known_hosts", args)["status"] for _ in range(2)]
    assert done == ["changed", "ok"] and "web" not in path.read_text()
    if shutil.which("ssh-keygen"):
        found = subprocess.run(["ssh-keygen", "-F", "web", "-f", path], capture_output=True, text=True)
        assert A in found.stdout
    on_host.converge("known_hosts", {"name": "web", "path": str(path), "state": "absent"})
    assert path.read_text() == ""


@pytest.mark.parametrize(("args", "code"), [
    ({}, "no_key"), ({"key": f"db {ED} {A}"}, "bad_key"), ({"key": f"{ED} {A}"}, "bad_key"),
    ({"key": f"web {ED} {A}\nweb {EC} {B}"}, "bad_key"), ({"key": f"web {ED} not*base64"}, "bad_key"),
    ({"key": f"{HASHED} {ED} {A}"}, "bad_key"), ({"name": "web,db"}, "bad_key"),
    ({"key": f"web {ED} {A}", "path": "/nonexistent/known"}, "no_directory"),
], ids=["none", "another host", "no host", "two", "broken", "hashed for another", "names", "no folder"])
def test_a_wrong_key_is_refused(on_host: Any, tmp_path: Path, args: dict[str, Any], code: str) -> None:
    on_host.fails("known_hosts", {"name": "web", "path": f"{tmp_path}/known", **args}, code=code)
