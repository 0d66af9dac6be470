"""Package names, dpkg's and apt's outputs, and what is chosen from them. No apt is called."""

from __future__ import annotations

import pytest

from modules.api import Failed
from modules.support.apt import packages, selection

DPKG = ("ii \tnginx\tamd64\t1.22.1-9\thttpd, httpd-cgi, nginx-abi (= 1.22)\n"
        "rc \told\tamd64\t1.0\t\n"
        "hi \theld\tall\t2:3.0\t\n"
        "un \tnever\t\t\t\n"
        "broken line\n")

SPECS = {
    "name": ("nginx", ("nginx", None, None)), "version": ("nginx=1.2*", ("nginx", "=", "1.2*")),
    "at least": ("nginx>=1:1.2~rc1", ("nginx", ">=", "1:1.2~rc1")), "architecture": ("a:i386", ("a:i386", None, None)),
    "pattern": ("lib*-dev", ("lib*-dev", None, None)), "plus": ("g++", ("g++", None, None)),
}


@pytest.mark.parametrize(("text", "parts"), SPECS.values(), ids=SPECS.keys())
def test_a_package_is_named(text: str, parts: tuple[str, str | None, str | None]) -> None:
    assert packages.parse_spec(text) == parts


@pytest.mark.parametrize("text", ["-o=x", "--purge", "a b", "", "a;b", "name-", "a=\n", "$(x)"])
def test_what_is_no_package_name_never_reaches_apt(text: str) -> None:
    with pytest.raises(Failed) as fault:
        packages.parse_spec(text)
    assert fault.value.code == "bad_package"


def test_dpkgs_database_is_read() -> None:
    found = packages.parse_dpkg(DPKG)
    assert found["nginx"].present and found["nginx:amd64"].version == "1.22.1-9"
    assert found["nginx"].provides == ["httpd", "httpd-cgi", "nginx-abi"]
    assert not found["old"].present and found["held"].present and not found["never"].present


REMOVALS = {
    "installed": (["nginx"], False, ["nginx"]), "gone already": (["old"], False, []),
    "to be purged": (["old"], True, ["old"]),
    "unknown": (["zzz"], True, []), "pattern": (["*"], False, ["held", "nginx"]),
}


@pytest.mark.parametrize(("names", "purge", "wanted"), REMOVALS.values(), ids=REMOVALS.keys())
def test_only_what_is_there_is_removed(names: list[str], purge: bool, wanted: list[str]) -> None:
    specs = [packages.parse_spec(name) for name in names]
    assert selection.removable(specs, packages.parse_dpkg(DPKG), purge) == wanted


def test_policy_gives_versions() -> None:
    text = ("nginx:\n  Installed: 1.22.1-9\n  Candidate: 1.22.1-10\n  Version table:\n     1.22.1-10 500\n"
            "        500 http://deb.example/debian bookworm/main amd64 Packages\n *** 1.22.1-9 100\n"
            "        100 /var/lib/dpkg/status\nawk:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n")
    assert packages.parse_policy(text) == {
        "nginx": ("1.22.1-9", "1.22.1-10", ["1.22.1-10", "1.22.1-9"]), "awk": (None, None, [])}


SIMULATION = ("Reading package lists...\nRemv b [1.0]\nInst a [1.0] (2.0 Debian:12 [amd64]) []\n"
              "Inst c (3:1.0-1 Debian:12 [all])\nConf a (2.0 Debian:12 [amd64])\nPurg d [4]\n")


def test_a_simulation_tells_what_comes_and_goes() -> None:
    found = packages.parse_simulation(SIMULATION)
    assert found == [("Remv", "b", "1.0", None), ("Inst", "a", "1.0", "2.0"), ("Inst", "c", None, "3:1.0-1"),
                     ("Purg", "d", "4", None)]
    diff = packages.diff_of(found)
    assert (diff["before"], diff["after"]) == ("a 1.0\nb 1.0\nd 4\n", "a 2.0\nc 3:1.0-1\n")


COMPLAINTS = {
    "unknown": ("E: Unable to locate package foo\n", "no_package", "No package matching 'foo' is available"),
    "no candidate": ("E: Package 'foo' has no installation candidate\n", "no_package",
                     "No package matching 'foo' is available"),
    "version": ("E: Version '9' for 'foo' was not found\n", "no_version",
                "no available installation candidate for foo=9"),
    "lock": ("E: Could not get lock /var/lib/dpkg/lock-frontend\n", "locked", "another program holds apt's lock"),
    "else": ("W: x\nE: Broken\n", "apt_failed", "E: Broken"), "silence": ("", "apt_failed", "apt-get failed"),
}


@pytest.mark.parametrize(("stderr", "code", "says"), COMPLAINTS.values(), ids=COMPLAINTS.keys())
def test_apts_complaints_have_codes(stderr: str, code: str, says: str) -> None:
    found, message = packages.explain(stderr)
    assert found == code and says in message
