"""lineinfile: a table of what a file held, what is asked, what it holds then."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import pytest

SSHD = b"#PermitRootLogin yes\nPort 22\nPort 2222\nUsePAM yes\n"

ROWS: list[tuple[str, bytes, dict[str, Any], bytes]] = [
    ("appended", b"a\n", {"line": "b"}, b"a\nb\n"),
    ("already-there", b"a\nb\n", {"line": "a"}, b"a\nb\n"),
    ("missing-last-newline-is-added-before", b"a", {"line": "b"}, b"a\nb\n"),
    ("same-line-without-newline-gets-one", b"a\nb", {"line": "b"}, b"a\nb\n"),
    ("empty-file", b"", {"line": "b"}, b"b\n"),
    ("regexp-replaces", SSHD, {"regexp": "^#?PermitRoot", "line": "PermitRootLogin no"},
     b"PermitRootLogin no\nPort 22\nPort 2222\nUsePAM yes\n"),
    ("regexp-last-match", SSHD, {"regexp": "^Port", "line": "Port 1"},
     b"#PermitRootLogin yes\nPort 22\nPort 1\nUsePAM yes\n"),
    ("regexp-first-match", SSHD, {"regexp": "^Port", "line": "Port 1", "firstmatch": True},
     b"#PermitRootLogin yes\nPort 1\nPort 2222\nUsePAM yes\n"),
    ("regexp-without-match-appends", b"a\n", {"regexp": "^zz", "line": "b"}, b"a\nb\n"),
    ("regexp-without-match-but-line-there", b"b\na\n", {"regexp": "^zz", "line": "b"}, b"b\na\n"),
    ("search-string-is-literal", b"a.c\nabc\n", {"search_string": "a.c", "line": "x"}, b"x\nabc\n"),
    ("insertafter", b"a\nb\nc\n", {"line": "x", "insertafter": "^[ab]"}, b"a\nb\nx\nc\n"),
    ("insertafter-first", b"a\nb\nc\n", {"line": "x", "insertafter": "^[ab]", "firstmatch": True}, b"a\nx\nb\nc\n"),
    ("insertafter-last-line-without-newline", b"a\nb", {"line": "x", "insertafter": "^b"}, b"a\nb\nx\n"),
    ("insertafter-no-match", b"a\nb\n", {"line": "x", "insertafter": "^q"}, b"a\nb\nx\n"),
    ("insertafter-eof", b"a\nb\n", {"line": "x", "insertafter": "EOF"}, b"a\nb\nx\n"),
    ("insertbefore", b"a\nb\nb\n", {"line": "x", "insertbefore": "^b"}, b"a\nb\nx\nb\n"),
    ("insertbefore-first", b"a\nb\nb\n", {"line": "x", "insertbefore": "^b", "firstmatch": True}, b"a\nx\nb\nb\n"),
    ("insertbefore-bof", b"a\nb\n", {"line": "x", "insertbefore": "BOF"}, b"x\na\nb\n"),
    ("regexp-wins-over-insertafter", b"a\nb\nc\n", {"regexp": "^c", "line": "x", "insertafter": "^a"}, b"a\nb\nx\n"),
    ("backrefs", b"mem=12 kB\n", {"regexp": r"^mem=(\d+) kB(.*)$", "line": r"mem=\1\1", "backrefs": True},
     b"mem=1212\n"),
    ("backrefs-without-match", b"a\n", {"regexp": "^zz", "line": r"\1", "backrefs": True}, b"a\n"),
    ("line-text-is-literal-without-backrefs", b"a\n", {"regexp": "^a", "line": r"\1 \n"}, b"\\1 \\n\n"),
    ("absent-by-line", b"a\nb\na\n", {"line": "a", "state": "absent"}, b"b\n"),
    ("absent-by-regexp", SSHD, {"regexp": "^Port", "state": "absent"}, b"#PermitRootLogin yes\nUsePAM yes\n"),
    ("absent-by-search-string", b"a+b\naab\n", {"search_string": "a+b", "state": "absent"}, b"aab\n"),
    ("absent-nothing-there", b"a\n", {"line": "q", "state": "absent"}, b"a\n"),
    ("crlf-appended", b"a\r\nb\r\n", {"line": "c"}, b"a\r\nb\r\nc\r\n"),
    ("crlf-already-there", b"a\r\nb\r\n", {"line": "a"}, b"a\r\nb\r\n"),
    ("crlf-replaced", b"a\r\nb\r\nc\r\n", {"regexp": "^b", "line": "x"}, b"a\r\nx\r\nc\r\n"),
    ("crlf-line-given-with-cr", b"a\r\nb\r\n", {"line": "c\r"}, b"a\r\nb\r\nc\r\n"),
    ("crlf-absent", b"a\r\nb\r\n", {"line": "a", "state": "absent"}, b"b\r\n"),
    ("not-utf8", b"caf\xe9=\xff\xfe\nb\n", {"regexp": "^b", "line": "ü"}, b"caf\xe9=\xff\xfe\n\xc3\xbc\n"),
    ("not-utf8-line-matched", b"\xff1\n", {"regexp": "1$", "line": "2"}, b"2\n"),
    ("lone-cr-is-contents", b"a\rb\nc\n", {"line": "d"}, b"a\rb\nc\nd\n"),
    ("nul-bytes", b"\0a\nb\n", {"regexp": "^b", "line": "c"}, b"\0a\nc\n"),
]


@pytest.mark.parametrize(("before", "args", "after"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_line_is_as_asked(on_host: Any, tmp_path: Path, before: bytes, args: dict[str, Any], after: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(before)
    path.chmod(0o640)
    on_host.converge("lineinfile", {"path": str(path), **args}, changes=before != after)
    assert path.read_bytes() == after
    assert path.stat().st_mode & 0o7777 == 0o640


def test_a_missing_file_is_created_with_its_folders_and_mode(on_host: Any, tmp_path: Path) -> None:
    path = tmp_path / "new" / "f"
    done = on_host.converge("lineinfile", {"path": str(path), "line": "a", "create": True, "mode": "0600"})
    assert (path.read_bytes(), path.stat().st_mode & 0o7777) == (b"a\n", 0o600)
    assert done["values"]["msg"] == "line added"


def test_a_link_is_written_through(on_host: Any, tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"a\n")
    (tmp_path / "link").symlink_to("real")
    on_host.converge("lineinfile", {"path": str(tmp_path / "link"), "line": "b"})
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"a\nb\n"


def test_only_the_mode_differs(on_host: Any, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"a\n")
    done = on_host.converge("lineinfile", {"path": str(path), "line": "a", "mode": "0600"})
    assert done["values"]["msg"] == "ownership, perms or SE linux context changed"
    assert done["diff"][1]["after"] == {"mode": "0600"}


def test_a_backup_keeps_the_old_bytes_and_mode(on_host: Any, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"a\n")
    path.chmod(0o600)
    first = on_host.run("lineinfile", {"path": str(path), "line": "b", "backup": True})["values"]["backup"]
    second = on_host.run("lineinfile", {"path": str(path), "line": "c", "backup": True})["values"]["backup"]
    assert Path(first).read_bytes() == b"a\n"
    assert Path(second).read_bytes() == b"a\nb\n"
    assert Path(first).stat().st_mode & 0o7777 == 0o600


@pytest.mark.parametrize(("args", "code", "says"), [
    ({"line": "x", "path": "none"}, "no_path", "does not exist !"),
    ({"line": "x", "path": "."}, "is_directory", "is a directory !"),
    ({"line": "x", "regexp": "^(a"}, "bad_pattern", "regexp is no valid regular expression"),
    ({}, "bad_arguments", "line is required with state=present"),
    ({"state": "absent"}, "bad_arguments", "one of line, search_string, or regexp is required"),
    ({"line": "x", "backrefs": True}, "bad_arguments", "regexp is required with backrefs=true"),
    ({"line": "x", "validate": "false %s"}, "validation", "failed to validate"),
    ({"line": "x", "validate": "true"}, "bad_arguments", "validate must contain %s"),
    ({"line": "x", "insertafter": "a", "insertbefore": "b"}, "bad_arguments", "insert"),
], ids=lambda value: value if isinstance(value, str) and " " in value else None)
def test_it_says_what_is_wrong_and_writes_nothing(on_host: Any, tmp_path: Path, args: dict[str, Any], code: str,
                                                  says: str) -> None:
    (tmp_path / "f").write_bytes(b"a\n")
    path = str(tmp_path / args.get("path", "f"))
    on_host.fails("lineinfile", {**args, "path": path}, code=code, says=says)


def test_a_missing_file_has_no_line_to_remove(on_host: Any, tmp_path: Path) -> None:
    done = on_host.converge("lineinfile", {"path": str(tmp_path / "f"), "line": "a", "state": "absent"}, changes=False)
    assert done["values"]["msg"] == "file not present"


@pytest.mark.parametrize("argument", ["regexp", "search_string"])
def test_an_empty_pattern_matches_every_line_and_warns(on_host: Any, tmp_path: Path, argument: str) -> None:
    (tmp_path / "f").write_text("a\nb\n")
    done = on_host.run("lineinfile", {"path": str(tmp_path / "f"), argument: "", "line": "c"})
    assert (tmp_path / "f").read_text() == "a\nc\n"
    assert "is an empty string, which will match every line" in done["warnings"][0]


def test_an_access_control_list_stays_on_the_file(on_host: Any, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("a\n")
    # version 2; user::rw-, user:4242:r--, group::r--, mask::r--, other::---
    entries = [(1, 6, 2**32 - 1), (2, 4, 4242), (4, 4, 2**32 - 1), (16, 4, 2**32 - 1), (32, 0, 2**32 - 1)]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", acl)
    except OSError as error:
        pytest.skip(f"this file system has no ACLs: {error.strerror}")
    on_host.converge("lineinfile", {"path": str(path), "line": "b"})
    assert os.getxattr(path, "system.posix_acl_access") == acl
