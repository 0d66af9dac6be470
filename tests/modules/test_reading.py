"""stat, slurp, fetch and tempfile: what they tell, and that they leave everything as it is."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import pytest

CONTENTS = b"caf\xe9\r\n\0\xff"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "f").write_bytes(CONTENTS)
    (tmp_path / "f").chmod(0o640)
    (tmp_path / "l").symlink_to("f")
    return tmp_path / "f"


def test_stat_of_a_file(on_host: Any, path: Path) -> None:
    told = on_host.converge("stat", {"path": str(path)}, changes=False)["values"]["stat"]
    assert told["exists"] and told["isreg"] and not told["islnk"] and told["rgrp"] and not told["roth"]
    assert (told["mode"], told["size"], told["uid"]) == ("0640", len(CONTENTS), os.geteuid())
    assert told["checksum"] == hashlib.sha1(CONTENTS).hexdigest()
    assert {"mimetype", "charset", "attributes", "pw_name", "gr_name", "blocks"} <= told.keys()


def test_stat_of_a_link_and_through_it(on_host: Any, path: Path) -> None:
    link = on_host.run("stat", {"path": str(path.parent / "l")})["values"]["stat"]
    assert (link["islnk"], link["lnk_target"], link["lnk_source"]) == (True, "f", str(path))
    assert "checksum" not in link
    assert on_host.run("stat", {"path": str(path.parent / "l"), "follow": True})["values"]["stat"]["isreg"]


@pytest.mark.parametrize("name", ["none", "f/none"])
def test_stat_of_nothing(on_host: Any, path: Path, name: str) -> None:
    assert on_host.run("stat", {"path": str(path.parent / name)})["values"]["stat"] == {"exists": False}


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
def test_stat_knows_the_algorithm(on_host: Any, path: Path, algorithm: str) -> None:
    told = on_host.run("stat", {"path": str(path), "checksum_algorithm": algorithm})["values"]["stat"]
    assert told["checksum"] == hashlib.new(algorithm, CONTENTS).hexdigest()


def test_slurp_brings_the_bytes(on_host: Any, path: Path) -> None:
    values = on_host.converge("slurp", {"src": str(path)}, changes=False)["values"]
    assert base64.b64decode(values["content"]) == CONTENTS
    assert (values["encoding"], values["source"]) == ("base64", str(path))


@pytest.mark.parametrize(("name", "code", "says"), [("none", "no_path", "File not found"),
                                                    (".", "is_directory", "Source is a directory"),
                                                    ("f/none", "unreadable", "Unable to slurp file")])
def test_slurp_says_what_is_wrong(on_host: Any, path: Path, name: str, code: str, says: str) -> None:
    on_host.fails("slurp", {"src": os.path.join(path.parent, name)}, code=code, says=says)


def test_fetch_uploads_the_bytes_once(on_host: Any, path: Path) -> None:
    asked = {"src": str(path), "dest": "kept/"}
    assert "stream" not in on_host.run("fetch", asked, check=True)["values"]
    done = on_host.run("fetch", asked)
    assert (on_host.uploads / done["values"]["stream"]).read_bytes() == CONTENTS
    assert (done["status"], done["values"]["checksum"]) == ("changed", hashlib.sha1(CONTENTS).hexdigest())
    again = on_host.run("fetch", {**asked, "known_checksum": done["values"]["checksum"]})
    assert (again["status"], "stream" in again["values"]) == ("ok", False)


@pytest.mark.parametrize(("name", "code", "says"), [
    ("none", "no_path", "the remote file does not exist, not transferring, ignored"),
    (".", "is_directory", "remote file is a directory, fetch cannot work on directories")])
def test_fetch_says_what_is_wrong(on_host: Any, path: Path, name: str, code: str, says: str) -> None:
    on_host.fails("fetch", {"src": os.path.join(path.parent, name), "dest": "x"}, code=code, says=says)


@pytest.mark.parametrize(("name", "says"), [("none", "not exist"), (".", "is a directory")])
def test_fetch_may_find_nothing(on_host: Any, path: Path, name: str, says: str) -> None:
    src = os.path.join(path.parent, name)
    done = on_host.run("fetch", {"src": src, "dest": "x", "fail_on_missing": False})
    assert (done["status"], done["values"]["file"]) == ("ok", src) and says in done["values"]["msg"]


@pytest.mark.parametrize(("state", "mode"), [("file", 0o600), ("directory", 0o700)])
def test_tempfile_is_for_its_owner_only(on_host: Any, tmp_path: Path, state: str, mode: int) -> None:
    done = on_host.run("tempfile", {"state": state, "path": str(tmp_path), "suffix": ".x"})
    made = Path(done["values"]["path"])
    assert (done["status"], made.parent, made.suffix) == ("changed", tmp_path, ".x")
    assert stat.S_IMODE(made.stat().st_mode) == mode


@pytest.mark.parametrize(("args", "code"), [({"path": "/nope"}, "tempfile"), ({"suffix": "/../x"}, "bad_arguments")])
def test_tempfile_says_what_is_wrong(on_host: Any, args: dict[str, Any], code: str) -> None:
    on_host.fails("tempfile", args, code=code)
