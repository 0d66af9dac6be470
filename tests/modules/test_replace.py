"""replace: a table of what a file held, what is asked, what it holds then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

ROWS: list[tuple[str, bytes, dict[str, Any], bytes]] = [
    ("every-match", b"a b a\na\n", {"regexp": "a", "replace": "x"}, b"x b x\nx\n"),
    ("removed", b"a b\n", {"regexp": r"a\s"}, b"b\n"),
    ("line-anchors", b"a\nba\n", {"regexp": "^a$", "replace": "x"}, b"x\nba\n"),
    ("groups", b"k=v\n", {"regexp": r"(\w)=(?P<v>\w)", "replace": r"\g<v>:\1!"}, b"v:k!\n"),
    ("spanning-lines", b"a\nb\nc\n", {"regexp": r"a\nb\n", "replace": ""}, b"c\n"),
    ("no-match", b"a\n", {"regexp": "q", "replace": "x"}, b"a\n"),
    ("after", b"a\n--\na\n", {"regexp": "a", "replace": "x", "after": "--"}, b"a\n--\nx\n"),
    ("before", b"a\n--\na\n", {"regexp": "a", "replace": "x", "before": "--"}, b"x\n--\na\n"),
    ("after-and-before", b"a<a>a\n", {"regexp": "a", "replace": "x", "after": "<", "before": ">"}, b"a<x>a\n"),
    ("section-not-found", b"a\n", {"regexp": "a", "replace": "x", "after": "zork"}, b"a\n"),
    ("crlf", b"a\r\nb\r\n", {"regexp": "a", "replace": "x"}, b"x\r\nb\r\n"),
    ("not-utf8", b"\xff\xfea\n", {"regexp": "a", "replace": "ü"}, b"\xff\xfe\xc3\xbc\n"),
    ("latin1", "é\n".encode("latin-1"), {"regexp": "é", "replace": "è", "encoding": "latin-1"},
     "è\n".encode("latin-1")),
]


@pytest.mark.parametrize(("before", "args", "after"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_pattern_is_gone(on_host: Any, tmp_path: Path, before: bytes, args: dict[str, Any], after: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(before)
    on_host.converge("replace", {"path": str(path), **args}, changes=before != after)
    assert path.read_bytes() == after


def test_it_counts(on_host: Any, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"a a\n")
    done = on_host.run("replace", {"path": str(tmp_path / "f"), "regexp": "a", "replace": "x"})
    assert done["values"]["msg"] == "2 replacements made"


@pytest.mark.parametrize(("args", "code"), [
    ({"regexp": "(", "replace": "x"}, "bad_pattern"),
    ({"regexp": "a", "replace": r"\7"}, "bad_pattern"),
    ({"regexp": "a", "encoding": "klingon"}, "bad_encoding"),
    ({"regexp": "a", "path": "none"}, "no_path"),
], ids=["pattern", "replacement", "encoding", "missing"])
def test_it_says_what_is_wrong_and_writes_nothing(on_host: Any, tmp_path: Path, args: dict[str, Any],
                                                  code: str) -> None:
    (tmp_path / "f").write_bytes(b"a\n")
    on_host.fails("replace", {**args, "path": str(tmp_path / args.get("path", "f"))}, code=code)


def test_a_replacement_that_is_no_template_is_told(on_host: Any, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\n")
    on_host.fails("replace", {"path": str(tmp_path / "f"), "regexp": "a", "replace": r"\D"}, code="bad_pattern",
                  says="Unable to process replace")


def test_the_diffs_headers_are_the_plain_path(on_host: Any, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\n")
    done = on_host.converge("replace", {"path": str(tmp_path / "f"), "regexp": "a", "replace": "b"})
    assert done["diff"] == [{"before": "a\n", "after": "b\n", "before_header": str(tmp_path / "f"),
                             "after_header": str(tmp_path / "f")}]
