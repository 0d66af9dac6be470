"""find: what is there, what is asked, which names come back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

ROWS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("top-level", {}, ["f1"]),
    ("recurse", {"recurse": True}, ["f1", "a/f2", "a/b/f3", ".h/f5"]),
    ("hidden", {"hidden": True}, [".f6", "f1"]),
    ("any", {"file_type": "any"}, ["f1", "a", "lnk", "loop"]),
    ("directory", {"file_type": "directory"}, ["a"]),
    ("link", {"file_type": "link"}, ["lnk", "loop"]),
    ("depth", {"recurse": True, "depth": 2}, ["f1", "a/f2", ".h/f5"]),
    ("follow-ends-at-a-loop", {"recurse": True, "follow": True, "patterns": "f2"}, ["a/f2", "lnk/f2"]),
    ("patterns", {"recurse": True, "patterns": ["f[12]"]}, ["f1", "a/f2"]),
    ("patterns-as-text", {"recurse": True, "patterns": "f1,f3"}, ["f1", "a/b/f3"]),
    ("excludes", {"recurse": True, "patterns": "f*", "excludes": "f1,f2"}, ["a/b/f3", ".h/f5"]),
    ("regex", {"recurse": True, "use_regex": True, "patterns": [r"f\d$"], "excludes": ["f1"]},
     ["a/f2", "a/b/f3", ".h/f5"]),
    ("regex-begins", {"recurse": True, "use_regex": True, "patterns": ["1"]}, []),
    ("contains", {"recurse": True, "contains": "tw"}, ["a/f2"]),
    ("contains-begins-a-line", {"recurse": True, "contains": "wo"}, []),
    ("contains-whole", {"recurse": True, "contains": r"one\ntwo", "read_whole_file": True}, ["a/f2"]),
    ("size", {"recurse": True, "size": "1k"}, ["a/b/f3"]),
    ("size-at-most", {"recurse": True, "size": "-5"}, ["f1", ".h/f5"]),
    ("age", {"recurse": True, "age": "1w"}, ["a/b/f3"]),
    ("age-at-most", {"recurse": True, "age": "-1d"}, ["f1", "a/f2", ".h/f5"]),
    ("mode", {"recurse": True, "mode": "0600"}, ["f1"]),
    ("mode-symbolic", {"recurse": True, "mode": "u=rw"}, ["f1"]),
    ("mode-any-bit", {"recurse": True, "mode": "0044", "exact_mode": False}, ["a/f2", "a/b/f3", ".h/f5"]),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, data in {"f1": b"1", "a/f2": b"one\ntwo\n", "a/b/f3": b"\xff" * 2000, ".h/f5": b"5", ".f6": b"6"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).chmod(0o644)
    (tmp_path / "f1").chmod(0o600)
    os.utime(tmp_path / "a/b/f3", (0, 0))
    (tmp_path / "lnk").symlink_to("a")
    (tmp_path / "loop").symlink_to(".")
    return tmp_path


@pytest.mark.parametrize(("args", "names"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_it_finds(on_host: Any, tree: Path, args: dict[str, Any], names: list[str]) -> None:
    done = on_host.converge("find", {"paths": str(tree), **args}, changes=False)
    assert sorted(os.path.relpath(each["path"], tree) for each in done["values"]["files"]) == sorted(names)
    assert done["values"]["matched"] == len(names)


def test_limit_checksum_and_what_was_skipped(on_host: Any, tree: Path) -> None:
    values = on_host.run("find", {"paths": [str(tree / "none"), str(tree)], "limit": 1, "get_checksum": True})["values"]
    assert values["files"][0]["checksum"] == "356a192b7913b04c54574d18c28d46e6395428ab"
    assert (values["matched"], values["msg"]) == (1, "Limit of matches reached")
    assert values["skipped_paths"] == {str(tree / "none"): f"'{tree / 'none'}' is not a directory"}


@pytest.mark.parametrize(("args", "code"), [({"age": "bad"}, "bad_arguments"), ({"size": "1q"}, "bad_arguments"),
                                            ({"use_regex": True, "patterns": ["("]}, "bad_pattern"),
                                            ({"contains": "("}, "bad_pattern")], ids=str)
def test_it_says_what_is_wrong(on_host: Any, tree: Path, args: dict[str, Any], code: str) -> None:
    on_host.fails("find", {"paths": str(tree), **args}, code=code)


def test_the_level_below_the_depth_is_examined_and_not_found(on_host: Any, tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    done = on_host.run("find", {"paths": str(tmp_path), "recurse": True, "file_type": "any", "depth": 1})
    assert (done["values"]["matched"], done["values"]["examined"]) == (1, 2)


def test_a_dollar_means_the_end_of_the_whole_file_when_that_is_read(on_host: Any, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("first\nlast\n")
    whole = {"paths": str(tmp_path), "read_whole_file": True}
    assert on_host.run("find", dict(whole, contains="last$"))["values"]["matched"] == 1
    assert on_host.run("find", dict(whole, contains="first$"))["values"]["matched"] == 0


@pytest.mark.parametrize(("encoding", "why"), [("utf-8", "due to an encoding error"), ("no-such", "unknown encoding")])
def test_a_file_of_another_encoding_is_told_as_a_skipped_path(on_host: Any, tmp_path: Path, encoding: str,
                                                               why: str) -> None:
    (tmp_path / "f").write_bytes("für\n".encode("latin-1"))
    values = on_host.run("find", {"paths": str(tmp_path), "contains": "f", "encoding": encoding})["values"]
    assert why in values["skipped_paths"][str(tmp_path)] and values["matched"] == 0
    assert values["msg"] == "Not all paths examined, check warnings for details"
