"""Keys in rpm's database: Debian's own rpm on a lab host, which keeps them as Red Hat's does."""

from __future__ import annotations

from typing import Any

import pytest

from modules import rpm_key
from tests.lab.fixtures import LabHosts
from tests.modules.pgp_keys import B_SUB, KEY_A, KEY_B, A, B
from tests.modules.remote import Remote

LOOK = "rpm -q --qf '%{version} %{release}\\n' gpg-pubkey | sort"


def test_rpms_names_are_read() -> None:
    assert rpm_key.parse_known("d1f93a77\npackage gpg-pubkey is not installed\n" + A.lower() + "\n") == [
        "d1f93a77", A.lower()]


SAME = {"by its end": (A[-8:], A, True), "by all": (A, A, True), "by 16": (A[-16:], A[-8:], True),
        "another": (B[-8:], A, False)}


@pytest.mark.parametrize(("one", "other", "same"), SAME.values(), ids=SAME.keys())
def test_names_of_any_length_are_compared(one: str, other: str, same: bool) -> None:
    assert rpm_key.is_same(one, other) is rpm_key.is_same(other, one) is same


@pytest.fixture
def rpm_host(lab_hosts: LabHosts) -> Remote:
    remote = Remote(lab_hosts(1)[0])
    if not remote.shell("which rpm"):
        result = remote.run("apt", {"name": "rpm", "install_recommends": False})
        if result["status"] != "changed":
            pytest.skip("rpm cannot be installed on the lab host: " + result["values"]["msg"])
    for name, key in (("a", KEY_A), ("b", KEY_B)):
        remote.shell(f"cat > /root/{name}.asc <<'END'\n{key}END")
    return remote


def test_a_key_comes_and_goes(rpm_host: Remote) -> None:
    rpm_host.converge("rpm_key", {"key": "/root/a.asc"}, LOOK)
    assert rpm_host.shell(LOOK).startswith(A[-8:].lower())
    rpm_host.converge("rpm_key", {"key": "file:///root/b.asc", "fingerprint": [B, B_SUB.lower()]}, LOOK)
    rpm_host.converge("rpm_key", {"key": "/root/a.asc", "state": "absent"}, LOOK)
    rpm_host.converge("rpm_key", {"key": "0x" + B[-8:], "state": "absent"}, LOOK)
    assert "not installed" in rpm_host.shell(LOOK)


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "another fingerprint": ({"key": "/root/b.asc", "fingerprint": A}, "wrong_key",
                            "does not match any key fingerprints"),
    "an id alone": ({"key": A}, "bad_key", "a valid file must be given"),
    "nothing": ({"key": "/root/nosuch"}, "no_file", "Not a valid key"),
    "no key": ({"key": "/etc/passwd"}, "bad_key", "no valid OpenPGP data"),
    "no answer": ({"key": "http://127.0.0.1:1/x"}, "request", "failed to fetch key at"),
}


@pytest.mark.parametrize(("args", "code", "says"), FAULTS.values(), ids=FAULTS.keys())
def test_what_is_no_key_is_refused(rpm_host: Remote, args: dict[str, Any], code: str, says: str) -> None:
    rpm_host.fails("rpm_key", args, code, says)
    assert "not installed" in rpm_host.shell(LOOK)
