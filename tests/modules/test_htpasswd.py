"""htpasswd: a table of (before, arguments, after); hashes are compared by what openssl makes of the password."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pytest

SHA = "{SHA}" + base64.b64encode(hashlib.sha1(b"sesame").digest()).decode()
SCHEMES = {"apr_md5_crypt": "$apr1$", "md5_crypt": "$1$", "sha256_crypt": "$5$", "sha512_crypt": "$6$",
           "ldap_sha1": "{SHA}", "plaintext": "sesame"}


def made(option: str, password: str) -> str:
    return subprocess.run(["openssl", "passwd", option, "-stdin"], input=password, capture_output=True, text=True,
                          check=True, timeout=20).stdout.strip()


@pytest.mark.parametrize(("scheme", "start"), SCHEMES.items(), ids=SCHEMES.keys())
def test_a_password_is_set_and_known_again(on_host: Any, tmp_path: Path, scheme: str, start: str) -> None:
    args = {"path": f"{tmp_path}/f", "name": "jane", "password": "sesame", "hash_scheme": scheme, "mode": "0640"}
    done = on_host.converge("htpasswd", args)
    assert (tmp_path / "f").read_text().startswith(f"jane:{start}")
    assert done["values"]["msg"].startswith(f"Created {tmp_path}/f and added jane")
    assert "diff" not in done or not done["diff"]


KEPT = {"apr1": lambda: made("-apr1", "sesame"), "sha512": lambda: made("-6", "sesame"), "SHA": lambda: SHA,
        "with rounds": lambda: "$5$rounds=535000$UnZc/8qYN3YJBzNx$.jDt9CBAZzUdy7xzxK8alDkTAqwga..0bjYgaSkold8"}


@pytest.mark.parametrize("stored", KEPT.values(), ids=KEPT.keys())
def test_a_password_that_matches_stays_as_it_is(on_host: Any, tmp_path: Path, stored: Any) -> None:
    hashed = stored()
    text = f"joe:x\njane:{hashed}\n"
    (tmp_path / "f").write_text(text)
    password = "y" if "rounds" in hashed else "sesame"
    on_host.converge("htpasswd", {"path": f"{tmp_path}/f", "name": "jane", "password": password}, changes=False)
    assert (tmp_path / "f").read_text() == text


CASES = {
    "another password": ("a:1\njane:$apr1$x$y\nb:2\n", {"password": "opensaysme"}, "a:1\njane:opensaysme\nb:2\n",
                         "Add/update jane"),
    "one more": ("a:1\njanes:2", {"password": "opensaysme"}, "a:1\njanes:2\njane:opensaysme\n", "Add/update jane"),
    "gone": ("a:1\njane:2\njanes:3\n", {"state": "absent"}, "a:1\njanes:3\n", "Remove jane"),
    "bytes": ("\xe9:1\n", {"password": "opensaysme"}, "\xe9:1\njane:opensaysme\n", "Add/update jane"),
}


@pytest.mark.parametrize(("before", "args", "after", "msg"), CASES.values(), ids=CASES.keys())
def test_the_users_line_is_as_asked(on_host: Any, tmp_path: Path, before: str, args: dict[str, Any], after: str,
                                    msg: str) -> None:
    (tmp_path / "f").write_bytes(before.encode("latin-1"))
    args = {"path": f"{tmp_path}/f", "name": "jane", "hash_scheme": "plaintext", **args}
    assert on_host.converge("htpasswd", args)["values"]["msg"] == msg
    assert (tmp_path / "f").read_bytes() == after.encode("latin-1")


def test_a_user_who_is_not_there_stays_away(on_host: Any, tmp_path: Path) -> None:
    on_host.converge("htpasswd", {"path": f"{tmp_path}/f", "name": "jane", "state": "absent"}, changes=False)
    assert not (tmp_path / "f").exists()


def test_what_cannot_be(on_host: Any, tmp_path: Path) -> None:
    args = {"path": f"{tmp_path}/f", "name": "jane", "password": "opensaysme"}
    on_host.fails("htpasswd", {**args, "create": False}, code="no_path", says="does not exist")
    on_host.fails("htpasswd", {**args, "name": "a:b"}, code="bad_name", says="colon")
    on_host.fails("htpasswd", {"path": f"{tmp_path}/f", "name": "jane"}, code="bad_arguments", says="password")
