"""Repositories of yum and dnf: files under a folder of the test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.modules.conftest import OnHost

OLD = "# mine \udcff\n[zz]\nname=Zed\nbaseurl = http://z/\n  http://zz/\n; other\n\n[aa]\nname=A A\nenabled=1\n"
EPEL: dict[str, Any] = {"name": "epel", "description": "EPEL", "baseurl": "http://a/x"}
EPEL_TEXT = "[epel]\nbaseurl = http://a/x\nname = EPEL\n\n"

CASES: dict[str, tuple[str | None, dict[str, Any], str | None]] = {
    "a new file": (None, EPEL, EPEL_TEXT),
    "every kind of option": (None, {**EPEL, "baseurl": ["http://a/x", "http://b/y"], "gpgcheck": False, "enabled": True,
                                    "exclude": ["a", "b"], "ip_resolve": 4, "validate_certs": False},
                             "[epel]\nbaseurl = http://a/x\n\thttp://b/y\nenabled = 1\nexclude = a b\ngpgcheck = 0\n"
                             "ip_resolve = 4\nname = EPEL\nsslverify = 0\n\n"),
    "behind other sections": (OLD, EPEL, OLD + "\n" + EPEL_TEXT),
    "in its place": (OLD, {"name": "zz", "description": "Zed", "baseurl": "http://z/"},
                     "# mine \udcff\n[zz]\nbaseurl = http://z/\nname = Zed\n\n[aa]\nname=A A\nenabled=1\n"),
    "options that are not named go": ("[epel]\ncost=5\nbaseurl=http://a/x\nname=EPEL\n", EPEL, EPEL_TEXT),
    "a section goes": (OLD, {"name": "zz", "state": "absent"}, "# mine \udcff\n[aa]\nname=A A\nenabled=1\n"),
    "the last section goes": (EPEL_TEXT, {"name": "epel", "state": "absent"}, None),
}
SAME: dict[str, tuple[str | None, dict[str, Any]]] = {
    "said otherwise": ("[epel]\n# why\nname=EPEL\nbaseurl:http://a/x\n", EPEL),
    "two lines": (OLD, {"name": "zz", "description": "Zed", "baseurl": ["http://z/", "http://zz/"]}),
    "away already": (OLD, {"name": "epel", "state": "absent"}), "no file": (None, {"name": "epel", "state": "absent"}),
}


def prepared(folder: Path, before: str | None) -> Path:
    path = folder / "x.repo"
    if before is not None:
        path.write_bytes(before.encode("utf-8", "surrogateescape"))
    return path


@pytest.mark.parametrize(("before", "args", "after"), CASES.values(), ids=CASES.keys())
def test_a_repository_is_kept(on_host: OnHost, tmp_path: Path, before: str | None, args: dict[str, Any],
                              after: str | None) -> None:
    path = prepared(tmp_path, before)
    done = on_host.converge("yum_repository", {**args, "file": "x", "reposdir": str(tmp_path)})["values"]
    assert (done["repo"], done["state"]) == (args["name"], args.get("state", "present"))
    assert (path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else None) == after


@pytest.mark.parametrize(("before", "args"), SAME.values(), ids=SAME.keys())
def test_what_is_said_already_stays(on_host: OnHost, tmp_path: Path, before: str | None, args: dict[str, Any]) -> None:
    prepared(tmp_path, before)
    on_host.converge("yum_repository", {**args, "file": "x", "reposdir": str(tmp_path)}, changes=False)


def test_a_password_is_written_and_not_shown(on_host: OnHost, tmp_path: Path) -> None:
    args = {**EPEL, "reposdir": str(tmp_path), "username": "u", "password": "s3cret", "mode": "0600"}
    assert "s3cret" not in str(on_host.converge("yum_repository", args))
    path = tmp_path / "epel.repo"
    assert "password = s3cret\n" in path.read_text() and path.stat().st_mode & 0o777 == 0o600


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no url": ({"name": "x", "description": "x"}, "any of the following are missing: baseurl, mirrorlist, metalink"),
    "no description": ({"name": "x", "baseurl": "http://x"}, "all of the following are missing: description"),
    "a name with a slash": ({**EPEL, "name": "../x"}, "slashes"),
    "no folder": ({**EPEL, "reposdir": "/nonexistent"}, "Repo directory '/nonexistent' does not exist."),
}


@pytest.mark.parametrize(("args", "says"), FAULTS.values(), ids=FAULTS.keys())
def test_what_cannot_be_written_is_a_failure(on_host: OnHost, tmp_path: Path, args: dict[str, Any], says: str) -> None:
    result = on_host.run("yum_repository", {"reposdir": str(tmp_path), **args})
    assert result["status"] == "failed" and says in result["error"]["message"]
    assert not list(tmp_path.iterdir())
