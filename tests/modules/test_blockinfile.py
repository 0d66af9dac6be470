"""blockinfile: a table of what a file held, what is asked, what it holds then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

B, E = b"# BEGIN ANSIBLE MANAGED BLOCK\n", b"# END ANSIBLE MANAGED BLOCK\n"
BC, EC = B.replace(b"\n", b"\r\n"), E.replace(b"\n", b"\r\n")

ROWS: list[tuple[str, bytes, dict[str, Any], bytes]] = [
    ("appended", b"a\n", {"block": "x\ny"}, b"a\n" + B + b"x\ny\n" + E),
    ("trailing-newline-of-block", b"a\n", {"block": "x\n"}, b"a\n" + B + b"x\n" + E),
    ("already-there", b"a\n" + B + b"x\n" + E, {"block": "x"}, b"a\n" + B + b"x\n" + E),
    ("updated-where-it-stands", b"a\n" + B + b"x\n" + E + b"b\n", {"block": "z"}, b"a\n" + B + b"z\n" + E + b"b\n"),
    ("last-line-without-newline", b"a", {"block": "x"}, b"a\n" + B + b"x\n" + E),
    ("empty-file", b"", {"block": "x"}, B + b"x\n" + E),
    ("insertafter", b"a\nb\n", {"block": "x", "insertafter": "^a"}, b"a\n" + B + b"x\n" + E + b"b\n"),
    ("insertafter-no-match", b"a\nb\n", {"block": "x", "insertafter": "q"}, b"a\nb\n" + B + b"x\n" + E),
    ("insertbefore", b"a\nb\n", {"block": "x", "insertbefore": "^b"}, b"a\n" + B + b"x\n" + E + b"b\n"),
    ("insertbefore-no-match", b"a\nb\n", {"block": "x", "insertbefore": "q"}, b"a\nb\n" + B + b"x\n" + E),
    ("bof", b"a\n", {"block": "x", "insertbefore": "BOF"}, B + b"x\n" + E + b"a\n"),
    ("multi-line-anchor", b"a\nb\nc\n", {"block": "x", "insertafter": "(?m)a\nb$"},
     b"a\nb\n" + B + b"x\n" + E + b"c\n"),
    ("absent", b"a\n" + B + b"x\n" + E + b"b\n", {"state": "absent"}, b"a\nb\n"),
    ("empty-block-is-absent", b"a\n" + B + b"x\n" + E, {"block": ""}, b"a\n"),
    ("absent-nothing-there", b"a\n", {"state": "absent"}, b"a\n"),
    ("own-marker", b"a\n", {"block": "x", "marker": "; {mark} m", "marker_begin": "<", "marker_end": ">"},
     b"a\n; < m\nx\n; > m\n"),
    ("blank-lines-around", b"a\nb\n", {"block": "x", "insertafter": "^a", "prepend_newline": True,
                                       "append_newline": True}, b"a\n\n" + B + b"x\n" + E + b"\nb\n"),
    ("no-blank-lines-at-the-edges", b"", {"block": "x", "prepend_newline": True, "append_newline": True},
     B + b"x\n" + E),
    ("crlf", b"a\r\n", {"block": "x\ny"}, b"a\r\n" + BC + b"x\r\ny\r\n" + EC),
    ("crlf-already-there", b"a\r\n" + BC + b"x\r\n" + EC, {"block": "x"}, b"a\r\n" + BC + b"x\r\n" + EC),
    ("not-utf8", b"\xff\xfe\n", {"block": "ü"}, b"\xff\xfe\n" + B + b"\xc3\xbc\n" + E),
    ("markers-in-the-wrong-order", b"a\n" + E + B + b"b\n", {"block": "x"}, b"a\n" + B + b"x\n" + E + b"b\n"),
]


@pytest.mark.parametrize(("before", "args", "after"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_block_is_as_asked(on_host: Any, tmp_path: Path, before: bytes, args: dict[str, Any], after: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(before)
    on_host.converge("blockinfile", {"path": str(path), **args}, changes=before != after)
    assert path.read_bytes() == after


def test_a_missing_file_is_created(on_host: Any, tmp_path: Path) -> None:
    done = on_host.converge("blockinfile", {"path": str(tmp_path / "f"), "block": "x", "create": True})
    assert done["values"]["msg"] == "File created"


def test_a_missing_file_needs_create(on_host: Any, tmp_path: Path) -> None:
    on_host.fails("blockinfile", {"path": str(tmp_path / "f"), "block": "x"}, code="no_path", says="does not exist !")
