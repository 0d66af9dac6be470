"""dnf and yum: what they print, read (written by hand after their manuals), their options, and calls of a stand-in.

No host with dnf can be had here; `StandIn` is a double that answers with such outputs and notes what it was asked.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from agentlet.host import local_host
from modules import dnf
from modules.support.dnf import options as dnf_options
from modules.support.dnf import output as dnf_output
from tests.modules.conftest import OnHost

DNF4 = """Dependencies resolved.
================================================================================
 Package                       Architecture  Version           Repository  Size
================================================================================
Installing:
 nginx                         x86_64        1:1.20.1-14.el9   appstream   36 k
Installing dependencies:
 a-package-with-a-very-long-name-indeed
                               noarch        2.0-1.el9         appstream   10 k
Upgrading:
 openssl-libs                  x86_64        1:3.0.7-25.el9    baseos     2.2 M
     replacing  old-ssl.x86_64 1.0-1
Removing:
 httpd                         x86_64        2.4.57-5.el9      @appstream  59 k
Removing unused dependencies:
 mailcap                       noarch        2.1.49-5.el9      @baseos     78 k

Transaction Summary
================================================================================
Install  2 Packages

Operation aborted.
"""
STEPS = ["Installed: nginx-1:1.20.1-14.el9.x86_64",
         "Installed: a-package-with-a-very-long-name-indeed-2.0-1.el9.noarch",
         "Installed: openssl-libs-1:3.0.7-25.el9.x86_64", "Removed: httpd-2.4.57-5.el9.x86_64",
         "Removed: mailcap-2.1.49-5.el9.noarch"]
DNF5 = """Updating and loading repositories:
Repositories loaded.
Package         Arch   Version         Repository      Size
Installing:
 tree           x86_64 0:2.2.1-1.fc42  fedora      112.1 KiB
Transaction Summary:
 Installing:         1 package
Operation aborted by the user.
"""
YUM = """Resolving Dependencies
Dependencies Resolved

================================================================================
 Package        Arch           Version              Repository             Size
================================================================================
Updating:
 curl           x86_64         7.29.0-59.el7_9.2    updates               271 k

Transaction Summary
================================================================================
Upgrade  1 Package

Exiting on user command
"""
TABLES = {"dnf 4": (DNF4, STEPS), "dnf 5": (DNF5, ["Installed: tree-0:2.2.1-1.fc42.x86_64"]),
          "yum": (YUM, ["Installed: curl-7.29.0-59.el7_9.2.x86_64"]), "nothing": ("Nothing to do.\nComplete!\n", [])}


@pytest.mark.parametrize(("output", "steps"), TABLES.values(), ids=TABLES.keys())
def test_a_transaction_is_read(output: str, steps: list[str]) -> None:
    assert [str(step) for step in dnf_output.transaction(output)] == steps


COMPLAINTS = {
    "dnf 4": ("No match for argument: nosuch\nError: Unable to find a match: nosuch other\n", ["nosuch", "other"]),
    "dnf 5": ("Failed to resolve the transaction:\nNo match for argument: nosuch >= 2\n", ["nosuch >= 2"]),
    "yum": ("No package nosuch available.\nError: Nothing to do\n", ["nosuch"]), "none": ("Complete!\n", []),
}


@pytest.mark.parametrize(("output", "names"), COMPLAINTS.values(), ids=COMPLAINTS.keys())
def test_what_is_missing_is_read(output: str, names: list[str]) -> None:
    assert dnf_output.missing(output) == names


ORDER = ["1.0~rc1", "1.0", "1.0^git1", "1.0.a", "1.0.1", "1.0.2a", "1.0.2b", "1.0.10", "1.1", "2", "10", "20200101"]


def test_versions_have_rpms_order() -> None:
    for (place, one), (other_place, other) in itertools.product(enumerate(ORDER), enumerate(ORDER)):
        expected = (place > other_place) - (place < other_place)
        assert dnf_output.compare(one, other) == expected, (one, other)
    assert dnf_output.compare("1.05", "1.5") == 0 and dnf_output.compare("1_0", "1.0") == 0


FITS = {
    "newer": ("0:2.4.57-5.el9", ">=", "2.4", True), "older": ("0:2.2-1", ">=", "2.4", False),
    "the same without a release": ("0:2.4-9", "=", "2.4", True), "another release": ("0:2.4-9", "=", "2.4-8", False),
    "an epoch is above all": ("1:1.0-1", ">", "2.0", True), "less": ("0:1.0-1", "<", "1:0.5", True),
}


@pytest.mark.parametrize(("have", "operator", "wanted", "fits"), FITS.values(), ids=FITS.keys())
def test_an_installed_version_fits(have: str, operator: str, wanted: str, fits: bool) -> None:
    assert dnf_output.satisfies(have, operator, wanted) is fits


OPTIONS: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "none": ({}, "install", []),
    "repositories": ({"enablerepo": ["a", "b"], "disablerepo": ["*"]}, "install",
                     ["--enablerepo=a", "--enablerepo=b", "--disablerepo=*"]),
    "a removal keeps what was needed": ({}, "remove", ["--setopt=clean_requirements_on_remove=False"]),
    "best": ({"best": True}, "install", ["--setopt=best=True"]),
    "nobest": ({"nobest": True}, "install", ["--setopt=best=False"]),
    "no certificates": ({"sslverify": False}, "install", ["--setopt=sslverify=0"]),
    "security": ({"security": True}, "upgrade", ["--security"]), "not of install": ({"security": True}, "install", []),
    "what is broken": ({"skip_broken": True}, "install", ["--skip-broken", "--setopt=strict=0"]),
    "download": ({"download_only": True, "download_dir": "/x"}, "install", ["--downloadonly", "--downloaddir=/x"]),
}


@pytest.mark.parametrize(("given", "verb", "words"), OPTIONS.values(), ids=OPTIONS.keys())
def test_arguments_become_options(given: dict[str, Any], verb: str, words: list[str]) -> None:
    args = {name: arg.default for name, arg in dnf.ARGS.items()}
    assert dnf_options.words({**args, **given}, verb, "dnf", local_host()) == words


class StandIn:
    """A double of rpm and dnf: the packages in ``have`` are installed; dnf prints ``says`` and notes its calls."""

    def __init__(self, on_host: OnHost, folder: Path) -> None:
        self.on_host, self.folder = on_host, folder
        self.calls_file = folder / "calls"
        self.write("rpm", 'for last; do :; done\ngrep -qx -- "$last" "$HERE/have" || exit 1\necho 0:1.0-1')
        self.write("dnf", 'echo "$@" >> "$HERE/calls"\ncat "$HERE/says"\ncase "$*" in *--assumeno*) exit 1;; esac')

    def write(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\nHERE={self.folder}\n{script}\n")
        path.chmod(0o755)

    def run(self, args: dict[str, Any], have: str = "", says: str = "", check: bool = False) -> dict[str, Any]:
        (self.folder / "have").write_text(have)
        (self.folder / "says").write_text(says)
        self.calls_file.write_text("")
        environment = {"PATH": f"{self.folder}:/usr/bin:/bin"}
        return self.on_host.run("dnf", args, check=check, environment=environment)

    @property
    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines()


@pytest.fixture
def stand_in(on_host: OnHost, tmp_path: Path) -> StandIn:
    return StandIn(on_host, tmp_path)


def test_a_missing_package_is_resolved_and_installed(stand_in: StandIn) -> None:
    done = stand_in.run({"name": "here, nginx"}, have="here\n", says=DNF4)
    assert done["status"] == "changed" and done["values"]["results"] == STEPS
    assert stand_in.calls == ["--assumeno install nginx", "-y install nginx"]
    checked = stand_in.run({"name": "nginx"}, says=DNF4, check=True)
    assert checked["status"] == "changed" and stand_in.calls == ["--assumeno install nginx"]


IDLE: dict[str, tuple[dict[str, Any], str, str, list[str]]] = {
    "all there": ({"name": ["a", "b"]}, "a\nb\n", "", []),
    "gone already": ({"name": "a", "state": "absent"}, "", "", []),
    "new enough": ({"name": "a >= 0.9"}, "a\n", "", []),
    "newest": ({"name": "a", "state": "latest"}, "a\n", "Nothing to do.\n", ["--assumeno upgrade a"]),
    "update only": ({"name": "a", "state": "latest", "update_only": True}, "", "", []),
    "only an older one": ({"name": "a-0.5"}, "", DNF5.replace("Installing:\n t", "Downgrading:\n t"),
                          ["--assumeno install a-0.5"]),
    "the cache": ({"update_cache": True}, "", "", ["-q -y --refresh makecache"]),
}


@pytest.mark.parametrize(("args", "have", "says", "calls"), IDLE.values(), ids=IDLE.keys())
def test_what_is_as_it_should_be_stays(stand_in: StandIn, args: dict[str, Any], have: str, says: str,
                                       calls: list[str]) -> None:
    assert stand_in.run(args, have, says)["status"] == "ok"
    assert stand_in.calls == calls


def test_latest_installs_what_is_missing_and_upgrades_the_rest(stand_in: StandIn) -> None:
    done = stand_in.run({"name": ["a", "b"], "state": "latest"}, have="a\n", says=DNF5)
    assert done["status"] == "changed"
    assert [call for call in stand_in.calls if "-y" in call] == ["-y install b", "-y upgrade a"]


def test_an_unknown_package_is_named(stand_in: StandIn) -> None:
    result = stand_in.run({"name": ["nosuch"]}, says="No match for argument: nosuch\n")
    assert result["error"]["code"] == "no_package" and "nosuch" in result["error"]["message"]
    assert result["values"]["msg"] == "Failed to install some of the specified packages"
    assert result["values"]["failures"] == ["No package nosuch available."]
    assert stand_in.run({"name": "--setopt=x"})["error"]["code"] == "bad_package"


def test_one_backend_is_named_once(stand_in: StandIn) -> None:
    both = stand_in.run({"name": "a", "use": "dnf", "use_backend": "dnf"})
    assert "mutually exclusive" in both["error"]["message"]
    assert stand_in.run({"name": "a", "use": "dnf"}, have="a\n")["status"] == "ok"


def test_a_failure_shows_dnfs_words(stand_in: StandIn) -> None:
    result = stand_in.run({"name": "a"}, says="Error: Failed to download metadata for repo 'x'\n")
    assert result["error"]["code"] == "dnf_failed" and "Failed to download metadata" in result["error"]["message"]
