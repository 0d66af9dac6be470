"""file: what a path was, what is asked, what it is then. A tree: path -> b"contents", "link target" or None."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

Tree = dict[str, Any]


def grow(root: Path, tree: Tree) -> None:
    for name, what in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if what is None:
            path.mkdir(exist_ok=True)
        elif isinstance(what, str):
            path.symlink_to(what)
        else:
            path.write_bytes(what)


def shape(root: Path) -> Tree:
    found: Tree = {}
    for folder, folders, files in os.walk(root):
        for name in [*folders, *files]:
            path = Path(folder, name)
            what = os.readlink(path) if path.is_symlink() else None if path.is_dir() else path.read_bytes()
            found[str(path.relative_to(root))] = what
    return found


ROWS: list[tuple[str, Tree, dict[str, Any], Tree]] = [
    ("directory", {}, {"path": "d", "state": "directory"}, {"d": None}),
    ("directories-on-the-way", {}, {"path": "d/e/f", "state": "directory"}, {"d": None, "d/e": None, "d/e/f": None}),
    ("directory-there", {"d": None}, {"path": "d/", "state": "directory"}, {"d": None}),
    ("directory-through-link", {"d": None, "l": "d"}, {"path": "l", "state": "directory"}, {"d": None, "l": "d"}),
    ("absent-file", {"f": b"x"}, {"path": "f", "state": "absent"}, {}),
    ("absent-tree", {"d/e/f": b"x", "d/l": "e"}, {"path": "d", "state": "absent"}, {}),
    ("absent-link-not-its-target", {"f": b"x", "l": "f"}, {"path": "l", "state": "absent"}, {"f": b"x"}),
    ("absent-dangling-link", {"l": "nope"}, {"path": "l", "state": "absent"}, {}),
    ("absent-already", {}, {"path": "f", "state": "absent"}, {}),
    ("link", {"f": b"x"}, {"path": "l", "src": "f", "state": "link"}, {"f": b"x", "l": "f"}),
    ("link-there", {"f": b"x", "l": "f"}, {"path": "l", "src": "f", "state": "link"}, {"f": b"x", "l": "f"}),
    ("link-moved", {"f": b"x", "g": b"y", "l": "f"}, {"path": "l", "src": "g", "state": "link"},
     {"f": b"x", "g": b"y", "l": "g"}),
    ("link-to-nothing-forced", {}, {"path": "l", "src": "nope", "state": "link", "force": True}, {"l": "nope"}),
    ("link-in-place-of-file", {"f": b"x", "l": b"y"}, {"path": "l", "src": "f", "state": "link", "force": True},
     {"f": b"x", "l": "f"}),
    ("link-in-place-of-empty-directory", {"f": b"x", "l": None},
     {"path": "l", "src": "f", "state": "link", "force": True}, {"f": b"x", "l": "f"}),
    ("touched-once", {}, {"path": "f", "state": "touch", "modification_time": "preserve", "access_time": "preserve"},
     {"f": b""}),
    ("name-with-odd-characters", {}, {"path": "a b\n'\"ü", "state": "directory"}, {"a b\n'\"ü": None}),
]


@pytest.mark.parametrize(("before", "args", "after"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_path_is_as_asked(on_host: Any, tmp_path: Path, before: Tree, args: dict[str, Any], after: Tree) -> None:
    grow(tmp_path, before)
    path = os.path.join(tmp_path, args["path"])
    on_host.converge("file", {**args, "path": path}, changes=before != after)
    assert shape(tmp_path) == after


MODES = [
    ("octal", 0o644, "0600", 0o600), ("octal-short", 0o644, "600", 0o600), ("octal-o", 0o644, "0o755", 0o755),
    ("number", 0o644, 0o600, 0o600), ("same", 0o644, "0644", 0o644), ("setuid", 0o755, "4755", 0o4755),
    ("symbolic-set", 0o644, "u=rwx,g=rx,o=", 0o750), ("symbolic-add", 0o644, "a+x", 0o755),
    ("symbolic-remove", 0o777, "go-wx", 0o744), ("big-x-on-plain-file", 0o644, "a+X", 0o644),
    ("big-x-on-executable", 0o744, "a+X", 0o755), ("copied", 0o640, "o=g", 0o644), ("sticky", 0o755, "o+t", 0o1755),
    ("setgid", 0o755, "g+s", 0o2755), ("several-actions", 0o600, "u+x-w,g=r", 0o540),
]


@pytest.mark.parametrize(("before", "mode", "after"), [row[1:] for row in MODES], ids=[row[0] for row in MODES])
def test_the_mode_is_as_asked(on_host: Any, tmp_path: Path, before: int, mode: Any, after: int) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"")
    path.chmod(before)
    done = on_host.converge("file", {"path": str(path), "mode": mode}, changes=before != after)
    assert path.stat().st_mode & 0o7777 == after
    assert done["values"]["mode"] == f"0{after:03o}"


def test_recurse_sets_folders_and_files(on_host: Any, tmp_path: Path) -> None:
    grow(tmp_path, {"d/e/f": b"x", "d/g": b"y"})
    on_host.converge("file", {"path": str(tmp_path / "d"), "state": "directory", "recurse": True,
                              "mode": "u=rwX,g=rX,o="})
    assert (tmp_path / "d/e").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "d/e/f").stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_recurse_does_not_follow_a_link_that_somebody_else_planted(on_host: Any, tmp_path: Path) -> None:
    grow(tmp_path, {"outside": b"x", "d/planted": "../outside", "d/ours": "../d"})
    os.lchown(tmp_path / "d/planted", 4242, 4242)
    on_host.converge("file", {"path": str(tmp_path / "d"), "state": "directory", "recurse": True, "owner": "4243"})
    assert (tmp_path / "outside").stat().st_uid == 0
    assert (tmp_path / "d/planted").lstat().st_uid == 4243


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_owner_and_group_by_number_and_the_setuid_bit_stays(on_host: Any, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"")
    on_host.converge("file", {"path": str(tmp_path / "f"), "owner": "4242", "group": 4243, "mode": "4755"})
    now = (tmp_path / "f").stat()
    assert (now.st_uid, now.st_gid, now.st_mode & 0o7777) == (4242, 4243, 0o4755)


def test_a_hard_link_shares_the_file(on_host: Any, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    on_host.converge("file", {"path": str(tmp_path / "h"), "src": str(tmp_path / "f"), "state": "hard"})
    assert (tmp_path / "h").samefile(tmp_path / "f")


def test_touch_changes_every_time_and_a_given_time_only_once(on_host: Any, tmp_path: Path) -> None:
    path = tmp_path / "f"
    assert on_host.run("file", {"path": str(path), "state": "touch"})["status"] == "changed"
    assert on_host.run("file", {"path": str(path), "state": "touch"})["status"] == "changed"
    on_host.converge("file", {"path": str(path), "state": "touch", "modification_time": "202001020304.05",
                              "access_time": "preserve"})
    assert on_host.run("file", {"path": str(path), "state": "file", "access_time": "202001020304.05"})["status"] \
        == "changed"
    assert path.stat().st_mtime == path.stat().st_atime


FAULTS: list[tuple[str, Tree, dict[str, Any], str, str]] = [
    ("missing", {}, {"path": "f", "mode": "0600"}, "no_path", "is absent, cannot continue"),
    ("file-is-directory", {"d": None}, {"path": "d", "state": "file"}, "wrong_type", "is directory, cannot continue"),
    ("directory-is-file", {"f": b""}, {"path": "f", "state": "directory"}, "wrong_type", "already exists as a file"),
    ("bad-mode", {"f": b""}, {"path": "f", "mode": "bad"}, "bad_mode", "octal or symbolic"),
    ("huge-mode", {"f": b""}, {"path": "f", "mode": 64400}, "bad_mode", "octal or symbolic"),
    ("no-user", {"f": b""}, {"path": "f", "owner": "nosuch"}, "no_user", "failed to look up user nosuch"),
    ("no-group", {"f": b""}, {"path": "f", "group": "nosuch"}, "no_group", "failed to look up group nosuch"),
    ("link-source", {}, {"path": "l", "src": "nope", "state": "link"}, "no_source", "src file does not exist"),
    ("link-over-file", {"f": b"", "l": b""}, {"path": "l", "src": "f", "state": "link"}, "wrong_type",
     "refusing to convert from file to symlink"),
    ("link-over-full-directory", {"f": b"", "d/e": b""}, {"path": "d", "src": "f", "state": "link", "force": True},
     "not_empty", "is not empty"),
    ("recurse-file", {"f": b""}, {"path": "f", "state": "file", "recurse": True}, "bad_arguments", "recurse option"),
    ("src-without-link", {"f": b""}, {"path": "f", "src": "x", "state": "file"}, "bad_arguments", "src option"),
    ("file-in-the-way", {"f": b""}, {"path": "f/d", "state": "directory"}, "wrong_type", "f"),
    ("bad-time", {"f": b""}, {"path": "f", "state": "touch", "access_time": "noon"}, "bad_time", "noon"),
    ("hard-source", {}, {"path": "h", "src": "/nope", "state": "hard"}, "no_source", "src does not exist"),
]


@pytest.mark.parametrize(("before", "args", "code", "says"), [row[1:] for row in FAULTS], ids=[r[0] for r in FAULTS])
def test_it_says_what_is_wrong_and_writes_nothing(on_host: Any, tmp_path: Path, before: Tree, args: dict[str, Any],
                                                  code: str, says: str) -> None:
    grow(tmp_path, before)
    on_host.fails("file", {**args, "path": str(tmp_path / args["path"])}, code=code, says=says)


def test_a_file_that_cannot_get_its_owner_is_not_left_behind(on_host: Any, tmp_path: Path,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: Any, **more: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refused)  # stands for a task that is not root's
    on_host.fails("file", {"path": str(tmp_path / "new"), "state": "touch", "owner": "4242"}, code="attributes")
    assert not (tmp_path / "new").exists()


def test_the_diff_of_what_is_right_already_has_the_path_alone(on_host: Any, tmp_path: Path) -> None:
    done = on_host.converge("file", {"path": str(tmp_path), "state": "directory"}, changes=False)
    assert done["values"]["diff"] == {"before": {"path": str(tmp_path)}, "after": {"path": str(tmp_path)}}


@pytest.mark.parametrize(("args", "warnings", "status"), [
    ({"state": "directory", "owner": "nobody-yet", "group": "none-yet"},
     ["failed to look up user nobody-yet. ", "failed to look up group none-yet. "], "changed"),
    ({"owner": "111112"}, ["failed to look up user with uid 111112. "], "failed"),
    ({"state": "directory", "owner": "root", "group": "0"}, [], "changed"),
], ids=["names", "number of a file that is missing too", "known"])
def test_check_mode_foresees_accounts_that_are_still_to_come(
        on_host: Any, tmp_path: Path, args: dict[str, Any], warnings: list[str], status: str) -> None:
    done = on_host.run("file", {"path": str(tmp_path / "new"), **args}, check=True)
    assert done["status"] == status
    assert [said.split("Create")[0] for said in done["warnings"]] == warnings


FLAGS = [
    ("-A", "", True, ""), ("-A", "Ad", True, "d"), ("+A", "", True, "A"), ("+A", "A", None, "A"),
    ("+A", "d", True, "Ad"), ("A", "d", True, "A"), ("=A", "d", True, "A"),
    ("=A", "A", False, "A"), ("=dA", "Ad", False, "Ad"),
]


def _flags(path: Path) -> str:
    """The flags A and d of a file; others are the filesystem's own."""
    done = subprocess.run(["lsattr", "-d", path], capture_output=True, text=True)
    return "".join(sorted(set(done.stdout.partition(" ")[0]) & {"A", "d"}))


@pytest.fixture
def flagged(tmp_path: Path) -> Path:
    path = tmp_path / "f"
    path.touch()
    if subprocess.run(["chattr", "+A", path], capture_output=True).returncode:
        pytest.skip("the filesystem of the test folder has no flags")
    return path


@pytest.mark.parametrize(("attributes", "before", "changes", "after"), FLAGS, ids=[f"{r[0]} on {r[1]}" for r in FLAGS])
def test_flags_count_as_changes_when_ansible_counts_them(
    on_host: Any, flagged: Path, attributes: str, before: str, changes: bool | None, after: str,
) -> None:
    subprocess.run(["chattr", "=" + before, flagged], check=True)
    shown = subprocess.run(["lsattr", "-d", flagged], capture_output=True, text=True).stdout.partition(" ")[0]
    if changes is None:  # a filesystem with flags of its own (ext4's e) shows more than was asked for
        changes = shown.replace("-", "") != attributes[1:]
    if attributes[0] == "=" and set(shown) - set("-Ad"):
        attributes += "".join(set(shown) - set("-Ad"))
    for check in (True, False):
        done = on_host.run("file", {"path": str(flagged), "attributes": attributes}, check=check)
        assert done["status"] == ("changed" if changes else "ok"), done
        assert _flags(flagged) == (before if check else after)
