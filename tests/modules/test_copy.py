"""copy and assemble: contents from a blob, from text, from the host; whole directories."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from tests.modules.conftest import snapshot

NEW = b"caf\xe9\r\n\xff\0"


def sha1(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


ROWS: list[tuple[str, bytes | None, dict[str, Any], bytes]] = [
    ("new", None, {}, NEW),
    ("differs", b"old", {}, NEW),
    ("same", NEW, {}, NEW),
    ("same-size-differs", bytes(len(NEW)), {}, NEW),
    ("keeps-what-is-there", b"old", {"force": False}, b"old"),
    ("makes-what-is-missing", None, {"force": False}, NEW),
    ("validated", b"old", {"validate": "grep -qa caf %s"}, NEW),
]


@pytest.mark.parametrize("kind", ["blob", "remote", "content"])
@pytest.mark.parametrize(("before", "args", "after"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_file_is_as_asked(on_host: Any, tmp_path: Path, kind: str, before: bytes | None, args: dict[str, Any],
                              after: bytes) -> None:
    path = tmp_path / "f"
    if before is not None:
        path.write_bytes(before)
        path.chmod(0o640)
    (tmp_path / "source").write_bytes(NEW)
    source: dict[str, Any] = {"src": on_host.blob(NEW)}
    if kind == "remote":
        source = {"src": str(tmp_path / "source"), "remote_src": True}
    elif kind == "content":
        source = {"content": NEW.decode("utf-8", "surrogateescape")}
    done = on_host.converge("copy", {"dest": str(path), **source, **args}, changes=before != after)
    assert path.read_bytes() == after
    if before is not None:
        assert path.stat().st_mode & 0o777 == 0o640, "an existing file keeps its mode"
    if args != {"force": False} or before is None:
        assert (done["values"]["checksum"], done["values"]["size"]) == (sha1(after), len(after))


def test_a_directory_as_dest_takes_the_name(on_host: Any, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    args = {"src": on_host.blob(b"x"), "_original_basename": "app.conf"}
    assert on_host.converge("copy", {**args, "dest": str(tmp_path / "d")})["values"]["dest"] == f"{tmp_path}/d/app.conf"
    on_host.converge("copy", {**args, "dest": f"{tmp_path}/new/er/", "directory_mode": "0700", "mode": "0600"})
    assert (tmp_path / "new/er/app.conf").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_a_link_is_replaced_or_followed(on_host: Any, tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    for name in ("a", "b"):
        (tmp_path / name).symlink_to("real")
    on_host.converge("copy", {"content": "new", "dest": str(tmp_path / "a")})
    assert not (tmp_path / "a").is_symlink() and (tmp_path / "real").read_bytes() == b"old"
    on_host.converge("copy", {"content": "new", "dest": str(tmp_path / "b"), "follow": True})
    assert (tmp_path / "b").is_symlink() and (tmp_path / "real").read_bytes() == b"new"


def test_modes_new_changed_and_preserved(on_host: Any, tmp_path: Path) -> None:
    path = tmp_path / "f"
    on_host.converge("copy", {"content": "x", "dest": str(path), "mode": "u=rw,go="})
    assert path.stat().st_mode & 0o777 == 0o600
    done = on_host.converge("copy", {"content": "x", "dest": str(path), "mode": "0644"})
    assert done["diff"][0]["after"] == {"mode": "0644", "path": str(path)}
    path.chmod(0o751)
    on_host.converge("copy", {"src": str(path), "remote_src": True, "dest": str(tmp_path / "g"), "mode": "preserve"})
    assert (tmp_path / "g").stat().st_mode & 0o777 == 0o751


def test_a_backup_is_kept(on_host: Any, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    done = on_host.converge("copy", {"content": "new", "dest": str(tmp_path / "f"), "backup": True})
    assert Path(done["values"]["backup_file"]).read_bytes() == b"old"


def test_the_diff_shows_text_and_hides_binary(on_host: Any, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old\n")
    done = on_host.run("copy", {"src": on_host.blob(b"new\n"), "dest": str(tmp_path / "f")}, check=True)
    assert (done["diff"][0]["before"], done["diff"][0]["after"]) == ("old\n", "new\n")
    done = on_host.run("copy", {"src": on_host.blob(NEW), "dest": str(tmp_path / "f")})
    assert done["diff"][0]["after"] == f"(binary, {len(NEW)} bytes)\n"


@pytest.mark.parametrize(("args", "code", "says"), [
    ({"dest": "no/f"}, "no_directory", "Destination directory"),
    ({"dest": "d"}, "bad_arguments", "can not use content with a dir as dest"),
    ({"validate": "false %s"}, "validation", "failed to validate"),
    ({"validate": "true"}, "bad_arguments", "validate must contain %s: true"),
    ({"checksum": "abc"}, "checksum", "does not match the expected checksum"),
    ({"content": None, "src": "/nope", "remote_src": True}, "no_source", "Source /nope not found"),
    ({"content": None}, "bad_arguments", "one of the following is required"),
    ({"mode": "u+q"}, "bad_mode", "octal or symbolic"),
    ({"mode": "oa=r"}, "bad_mode", "octal or symbolic"),
    ({"dest": "fifo"}, "wrong_type", "no plain file"),
    ({"content": None, "src": {"blob": "0" * 64, "size": 3}}, "blob_unavailable", ""),
], ids=str)
def test_it_says_what_is_wrong_and_writes_nothing(on_host: Any, tmp_path: Path, args: dict[str, Any], code: str,
                                                  says: str) -> None:
    (tmp_path / "d").mkdir()
    os.mkfifo(tmp_path / "fifo")
    dest = str(tmp_path / args.get("dest", "f"))
    on_host.fails("copy", {"content": "x", **args, "dest": dest}, code=code, says=says, diff=False)


def tree(on_host: Any) -> list[dict[str, Any]]:
    return [{"path": "d", "dir": True}, {"path": "d/e", "dir": True, "mode": 0o755},
            {"path": "d/e/f", **on_host.blob(b"1"), "mode": 0o700}, {"path": "d/g", **on_host.blob(NEW), "mode": 0o644},
            {"path": "d/l", "link": "g"}]


def test_a_tree_from_the_controller(on_host: Any, tmp_path: Path) -> None:
    args = {"_tree": tree(on_host), "dest": f"{tmp_path}/new/", "mode": "preserve", "directory_mode": "0750"}
    done = on_host.converge("copy", args)
    assert (tmp_path / "new/d/g").read_bytes() == NEW
    assert (tmp_path / "new/d/e/f").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new/d/e").stat().st_mode & 0o777 == 0o750
    assert os.readlink(tmp_path / "new/d/l") == "g"
    assert done["values"]["state"] == "directory"
    (tmp_path / "new/d/g").write_bytes(b"spoilt")
    on_host.converge("copy", args)
    assert (tmp_path / "new/d/g").read_bytes() == NEW


@pytest.mark.parametrize("path", ["../f", "/etc/f", "a/../../f", "", "a\0b"])
def test_a_tree_cannot_lead_out(on_host: Any, tmp_path: Path, path: str) -> None:
    (tmp_path / "d").mkdir()
    entries = [{"path": path, **on_host.blob(b"x")}]
    on_host.fails("copy", {"_tree": entries, "dest": f"{tmp_path}/d"}, code="path_denied", says="refusing")


@pytest.mark.parametrize(("src", "made"), [("d", "to/d/e/f"), ("d/", "to/e/f")])
def test_a_directory_of_the_host(on_host: Any, tmp_path: Path, src: str, made: str) -> None:
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/e/f").write_bytes(NEW)
    (tmp_path / "d/e/f").chmod(0o711)
    (tmp_path / "d/l").symlink_to("e/f")
    args = {"src": f"{tmp_path}/{src}", "dest": f"{tmp_path}/to", "remote_src": True}
    on_host.converge("copy", {**args, "local_follow": False})
    assert (tmp_path / made).read_bytes() == NEW
    assert (tmp_path / made).stat().st_mode & 0o777 == 0o711
    assert os.readlink((tmp_path / made).parent.parent / "l") == "e/f"
    on_host.converge("copy", {**args, "dest": f"{tmp_path}/followed"})
    assert not [name for name, what in snapshot(tmp_path / "followed").items() if what[0].startswith("0o12")]


def test_a_failed_write_leaves_no_temp_file(on_host: Any, tmp_path: Path) -> None:
    ref = {"blob": hashlib.sha256(b"right").hexdigest(), "size": 5}
    on_host.blobs[ref["blob"]] = b"wrong"
    on_host.fails("copy", {"src": ref, "dest": str(tmp_path / "f")}, code="blob_damaged", diff=False)
    assert os.listdir(tmp_path) == []


ASSEMBLED = [
    ("by-name", {}, b".h\n1\n2\n3"),
    ("without-hidden", {"ignore_hidden": True}, b"1\n2\n3"),
    ("regexp", {"regexp": "^[13]"}, b"1\n3"),
    ("delimiter", {"regexp": "^[13]", "delimiter": "--\\n#ü"}, "1\n--\n#ü\n3".encode()),
]


@pytest.mark.parametrize(("args", "after"), [row[1:] for row in ASSEMBLED], ids=[row[0] for row in ASSEMBLED])
def test_fragments_are_put_together(on_host: Any, tmp_path: Path, args: dict[str, Any], after: bytes) -> None:
    (tmp_path / "d").mkdir()
    for name, data in {"2": b"2\n", "1": b"1\n", "3": b"3", ".h": b".h"}.items():
        (tmp_path / "d" / name).write_bytes(data)
    done = on_host.converge("assemble", {"src": f"{tmp_path}/d", "dest": f"{tmp_path}/f", "mode": "0600", **args})
    assert (tmp_path / "f").read_bytes() == after
    assert (done["values"]["checksum"], done["values"]["mode"]) == (sha1(after), "0600")


def test_assemble_needs_its_source(on_host: Any, tmp_path: Path) -> None:
    args = {"src": f"{tmp_path}/d", "dest": f"{tmp_path}/f"}
    on_host.fails("assemble", args, code="no_source", says="does not exist")


def test_links_that_have_no_end_stay_links_in_a_copied_folder(on_host: Any, tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/f").write_text("x")
    for name, target in (("nothing", "no-such"), ("up", "../"), ("b/file", "../f")):
        (tmp_path / "a" / name).symlink_to(target)
    on_host.converge("copy", {"src": str(tmp_path / "a") + "/", "dest": str(tmp_path / "c") + "/", "remote_src": True})
    assert [os.readlink(tmp_path / "c" / name) for name in ("nothing", "up")] == ["no-such", "../"]
    assert not (tmp_path / "c/b/file").is_symlink() and (tmp_path / "c/b/file").read_text() == "x"


def test_a_device_is_no_source(on_host: Any, tmp_path: Path) -> None:
    on_host.fails("copy", {"src": "/dev/zero", "dest": str(tmp_path / "f"), "remote_src": True}, code="wrong_type",
                  says="Cannot copy invalid source '/dev/zero': not a file")
