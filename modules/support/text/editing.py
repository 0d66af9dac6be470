"""What lineinfile, blockinfile and replace have in common: find the file, decide what changes, put it in place.

Contents are bytes throughout, so that no encoding and no line ending of a file is ever disturbed.
"""

import io
import os
import re

from modules.api import Arg, Change, Failed, Same
from modules.support.files.attributes import plan, put
from modules.support.files.placement import PLACE_ARGS, check_validate, diff_text, place_bytes

PATH_ARG = Arg("path", "The file to edit; through a link, its target.", required=True,
               aliases=("dest", "destfile", "name"))
TEXT_ARGS = dict(PLACE_ARGS, path=PATH_ARG)
CREATE_ARG = Arg("bool", "Create the file, and the folders it lies in, when it is missing.", default=False)
ATTRIBUTES_CHANGED = "ownership, perms or SE linux context changed"


class Edit(object):
    """Where a file is, what it holds (None: there is none), and what its attributes should be."""

    __slots__ = ("path", "before", "planned", "args", "shown")

    def __init__(self, path, before, planned, args):
        self.path = path
        self.before = before
        self.planned = planned
        self.args = args
        self.shown = args["path"]


def look(args, host, missing, may_create=False):
    """The `Edit` for ``args["path"]``. A missing file is `Failed` with ``missing`` (has {}), unless created."""
    check_validate(args)
    shown = args["path"]
    path = os.path.realpath(shown)
    if os.path.isdir(path):
        raise Failed("is_directory", "Path {} is a directory !".format(shown), rc=256)
    if not os.path.exists(path):
        if not may_create:
            raise Failed("no_path", missing.format(shown), rc=257)
        return Edit(path, None, plan(path, args, host), args)
    return Edit(path, host.read(path), plan(path, args, host), args)


def decide(edit, after, msg, values=None, header="{} (content)"):
    """A `Change` when the contents (``after``: bytes) or the attributes differ, else `Same`; both with ``msg``."""
    contents_differ = edit.before is None or edit.before != after
    values = dict(values or {})
    if edit.planned.changed:
        msg = "{} and {}".format(msg, ATTRIBUTES_CHANGED) if msg else ATTRIBUTES_CHANGED
    values["msg"] = msg
    if not contents_differ and not edit.planned.changed:
        return Same(**values)
    return Change(values=values, data=(edit, after if contents_differ else None),
                  diff=diff(edit, after, header.format(edit.shown)))


def diff(edit, after, header):
    """The two parts of Ansible's diff for a text file: contents, and attributes where they differ."""
    parts = [{"before": diff_text(edit.before), "after": diff_text(after),
              "before_header": header, "after_header": header}]
    if edit.planned.changed:
        header = "{} (file attributes)".format(edit.shown)
        parts.append({"before": edit.planned.before, "after": edit.planned.after,
                      "before_header": header, "after_header": header})
    return parts


def finish(change, host):
    """Put a decided change in place. Returns {"backup_file": …} when a backup was made."""
    edit, after = change.data
    if after is None:
        put(edit.path, edit.planned, host)
        return {}
    folder = os.path.dirname(edit.path)
    if not os.path.isdir(folder):
        os.makedirs(folder, 0o777, exist_ok=True)
    return place_bytes(edit.path, after, edit.planned, edit.args, host)


def encoded(text):
    """An argument's text as the bytes of the file."""
    return text.encode("utf-8", "surrogateescape")


def pattern(name, text, flags=0):
    """A compiled bytes pattern, or a `Failed` (``bad_pattern``) that names the argument."""
    try:
        return re.compile(encoded(text), flags)
    except re.error as error:
        raise Failed("bad_pattern", "{} is no valid regular expression: {}: {}".format(name, text, error))


def line_ending(data):
    """The ending that new lines get: the one that the first line of ``data`` has, ``\\n`` for an empty file."""
    first = data.split(b"\n", 1)
    return b"\r\n" if len(first) == 2 and first[0].endswith(b"\r") else b"\n"


def split_lines(data):
    """The lines of ``data`` with their endings; only ``\\n`` ends a line (a lone ``\\r`` is contents)."""
    return io.BytesIO(data).readlines()
