"""Keeps a block of lines, between two marker lines, in a file.

    - name: Our hosts
      blockinfile:
        path: /etc/hosts
        marker: "# {mark} managed hosts"
        block: |
          192.0.2.10 db
          192.0.2.11 web

Returns ``msg`` (Block inserted, Block removed, File created) and ``backup_file``.
Errors: ``no_path``, ``is_directory``, ``bad_pattern``, ``validation``.
The block's lines get the ending that the file's first line has; every other byte stays as it is.
"""

import re

from modules.api import Arg, Same, exclusive
from modules.support.text.editing import (
    CREATE_ARG,
    TEXT_ARGS,
    decide,
    encoded,
    finish,
    line_ending,
    look,
    pattern,
    split_lines,
)

ARGS = dict(
    TEXT_ARGS,
    state=Arg("str", "Whether the block should be there.", default="present", choices=("absent", "present")),
    marker=Arg("str", "The marker lines; {mark} becomes marker_begin and marker_end.",
               default="# {mark} ANSIBLE MANAGED BLOCK"),
    block=Arg("str", "The text between the markers; empty means the same as state=absent.", default="",
              aliases=("content",)),
    insertafter=Arg("str", "EOF (the default), or a regular expression: a new block goes behind its last match."),
    insertbefore=Arg("str", "BOF, or a regular expression: a new block goes before its last match."),
    create=CREATE_ARG,
    marker_begin=Arg("str", "What {mark} becomes in the opening marker.", default="BEGIN"),
    marker_end=Arg("str", "What {mark} becomes in the closing marker.", default="END"),
    append_newline=Arg("bool", "Keep a blank line behind the block, unless it ends the file.", default=False),
    prepend_newline=Arg("bool", "Keep a blank line before the block, unless it begins the file.", default=False),
)
RULES = (exclusive("insertbefore", "insertafter"),)


def check(args, host):
    edit = look(args, host, "Path {} does not exist !", may_create=args["create"])
    if "{mark}" not in args["marker"]:
        host.warn("marker has no {mark}: the block's beginning and end cannot be told apart")
    wanted = args["state"] == "present" and bool(args["block"])
    if edit.before is None and not wanted:
        return Same(msg="File {} not present".format(args["path"]))
    before = edit.before or b""
    after = edited(before, args)
    if edit.before is None:
        msg = "File created"
    elif after == before:
        msg = ""
    else:
        msg = "Block inserted" if wanted else "Block removed"
    return decide(edit, after, msg)


def apply(args, change, host):
    return finish(change, host)


def edited(data, args):
    """``data`` with the block in place, or without it."""
    lines, ending = split_lines(data), line_ending(data)
    begin = encoded(args["marker"].replace("{mark}", args["marker_begin"]))
    end = encoded(args["marker"].replace("{mark}", args["marker_end"]))
    block = _block(begin, end, args, ending)
    at = _take_out(lines, begin, end)
    if not block:
        return b"".join(lines)
    if at is None:
        at = _place(lines, data, args)
    if at > 0 and not lines[at - 1].endswith(b"\n"):
        lines[at - 1] += ending
    if args["prepend_newline"] and at > 0 and lines[at - 1].strip(b"\r\n"):
        lines.insert(at, ending)
        at += 1
    lines[at:at] = block
    behind = at + len(block)
    if args["append_newline"] and behind < len(lines) and lines[behind].strip(b"\r\n"):
        lines.insert(behind, ending)
    return b"".join(lines)


def _block(begin, end, args, ending):
    """The lines of the block with its markers; empty when it should not be there."""
    if args["state"] == "absent" or not args["block"]:
        return []
    body = encoded(args["block"])
    lines = [begin] + (body[:-1] if body.endswith(b"\n") else body).split(b"\n") + [end]
    return [(line[:-1] if ending == b"\r\n" and line.endswith(b"\r") else line) + ending for line in lines]


def _take_out(lines, begin, end):
    """Remove the block that is there; returns where it stood, or None. The last pair of markers counts."""
    first = last = None
    for index, line in enumerate(lines):
        bare = line.rstrip(b"\r\n")
        if bare == begin:
            first = index
        if bare == end:
            last = index
    if first is None or last is None:
        return None
    low, high = min(first, last), max(first, last)
    del lines[low:high + 1]
    return low


def _place(lines, data, args):
    """The index at which a new block goes in; the end of the file where no pattern matches."""
    after, before = args["insertafter"], args["insertbefore"]
    if before == "BOF":
        return 0
    text = before if before is not None else after
    if text is None or text == "EOF":
        return len(lines)
    name = "insertbefore" if before is not None else "insertafter"
    anchor = pattern(name, text)
    if anchor.flags & re.MULTILINE:
        return _place_by_text(lines, data, anchor, before is not None)
    found = [index for index, line in enumerate(lines) if anchor.search(line)]
    if not found:
        return len(lines)
    return found[-1] if before is not None else found[-1] + 1


def _place_by_text(lines, data, anchor, is_before):
    """A (?m) pattern may span lines and is searched for in the whole file."""
    match = anchor.search(data)
    if not match:
        return len(lines)
    if is_before:
        return data.count(b"\n", 0, match.start())
    count = data.count(b"\n", 0, match.end())
    return count if data[:match.end()].endswith(b"\n") else min(count + 1, len(lines))
