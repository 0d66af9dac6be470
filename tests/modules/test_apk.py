"""apk: its words, and calls of a stand-in (a double: no Alpine host can be had here), with outputs after its manual."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.modules.conftest import OnHost

INSTALLS = "(1/2) Installing pcre (8.45-r2)\n(2/2) Installing nginx (1.22.1-r0)\nOK: 12 MiB in 20 packages\n"
CASES: dict[str, tuple[dict[str, Any], str, list[str], list[str]]] = {
    "present": ({"name": "nginx"}, INSTALLS, ["pcre", "nginx"], ["add nginx --simulate", "add nginx"]),
    "there": ({"name": ["nginx", "a,b"]}, "OK: 12 MiB\n", [], ["add nginx a b --simulate"]),
    "latest": ({"name": "nginx", "state": "latest"}, "(1/1) Upgrading nginx (1.22.0-r0 -> 1.22.1-r0)\nOK\n", ["nginx"],
               ["add --upgrade nginx --simulate", "add --upgrade nginx"]),
    "absent": ({"name": "nginx", "state": "absent"}, "(1/1) Purging nginx (1.22.1-r0)\nOK\n", ["nginx"],
               ["del nginx --simulate", "del nginx"]),
    "upgrade": ({"upgrade": True, "available": True}, "OK: 12 MiB\n", [], ["upgrade --available --simulate"]),
    "a repository": ({"name": "x", "repository": ["http://a"], "no_cache": True}, "OK\n", [],
                     ["--no-cache --repository http://a --repositories-file /dev/null add x --simulate"]),
}


def stand_in(folder: Path, says: str, code: int = 0) -> dict[str, str]:
    (folder / "says").write_text(says)
    program = folder / "apk"
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/calls\ncat {folder}/says\nexit {code}\n')
    program.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


@pytest.mark.parametrize(("args", "says", "packages", "calls"), CASES.values(), ids=CASES.keys())
def test_apk_is_asked_and_then_told(on_host: OnHost, tmp_path: Path, args: dict[str, Any], says: str,
                                    packages: list[str], calls: list[str]) -> None:
    environment = stand_in(tmp_path, says)
    predicted = on_host.run("apk", args, check=True, environment=environment)
    assert (tmp_path / "calls").read_text().splitlines() == calls[:1], "check mode only simulates"
    (tmp_path / "calls").unlink()
    done = on_host.run("apk", args, environment=environment)
    assert (tmp_path / "calls").read_text().splitlines() == calls
    assert done["values"]["packages"] == packages
    assert done["status"] == predicted["status"] == ("changed" if packages else "ok")


def test_an_unknown_package_is_named(on_host: OnHost, tmp_path: Path) -> None:
    says = "ERROR: unable to select packages:\n  nosuch (no such package):\n    required by: world[nosuch]\n"
    result = on_host.run("apk", {"name": "nosuch"}, environment=stand_in(tmp_path, says, 1))
    assert result["error"]["code"] == "no_package" and "'nosuch'" in result["error"]["message"]
    assert on_host.run("apk", {"name": "--x"}, environment=stand_in(tmp_path, ""))["error"]["code"] == "bad_package"
