"""Keeps a file equal to the fragments of a directory, put together in the order of their names.

    - name: One configuration out of many
      assemble:
        src: /etc/app/conf.d
        dest: /etc/app/app.conf
        delimiter: '# ----'

Returns what `copy` returns. Errors: ``no_source``, ``bad_pattern``, ``too_large`` and those of `copy`.
Fragments of the controller (remote_src=false) are put together there.
"""

import os
import re

from modules.api import Arg, Failed, Same
from modules.support.files.attributes import stat_values
from modules.support.files.copy_file import change, look, place
from modules.support.files.copy_source import Contents
from modules.support.files.placement import PLACE_ARGS, check_validate

LIMIT_BYTES = 256 << 20

ARGS = dict(
    PLACE_ARGS,
    src=Arg("path", "The directory of fragments.", required=True),
    dest=Arg("path", "The file to make.", required=True),
    delimiter=Arg("str", "A line between the fragments; \\n and the like are understood."),
    regexp=Arg("str", "Only fragments whose name matches, anywhere in it."),
    ignore_hidden=Arg("bool", "Leave out names that begin with a dot.", default=False),
    remote_src=Arg("bool", "The fragments are on the host.", default=True),
    decrypt=Arg("bool", "Open vaulted fragments (done by the controller).", default=True),
)


def check(args, host):
    check_validate(args)
    if not os.path.exists(args["src"]):
        raise Failed("no_source", "Source ({}) does not exist".format(args["src"]))
    if not os.path.isdir(args["src"]):
        raise Failed("no_source", "Source ({}) is not a directory".format(args["src"]))
    dest = args["dest"]
    if os.path.isdir(dest) or not os.path.isdir(os.path.dirname(dest) or "."):
        raise Failed("no_path", "dest must be a file in an existing directory: {}".format(dest))
    piece = look(dest, Contents(assembled(fragments(args, host), args["delimiter"])), args, host)
    values = {"src": args["src"], "dest": dest}
    if piece is None:
        return Same(**dict(stat_values(dest), checksum=host.digest(dest, "sha1"), msg="OK", **values))
    return change([piece], dict(values, msg="OK"))


def apply(args, work, host):
    piece = work.data[0]
    values = place(piece, args, host)
    return dict(stat_values(piece.path), **values)


def fragments(args, host):
    """The fragments' bytes, in the order of their names."""
    try:
        pattern = re.compile(args["regexp"] or "")
    except re.error as error:
        raise Failed("bad_pattern", "regexp is no valid regular expression: {}: {}".format(args["regexp"], error))
    parts, size = [], 0
    for name in sorted(os.listdir(args["src"])):
        path = os.path.join(args["src"], name)
        hidden = name.startswith(".") and args["ignore_hidden"]
        if hidden or not os.path.isfile(path) or not pattern.search(name):
            continue
        size += os.path.getsize(path)
        if size > LIMIT_BYTES:
            raise Failed("too_large", "the fragments have more than {} bytes together".format(LIMIT_BYTES))
        parts.append(host.read(path))
    return parts


def assembled(parts, delimiter):
    """The parts in one, each ended by a newline where another follows, with the delimiter's line between them."""
    whole = b""
    mark = _unescaped(delimiter) if delimiter else b""
    for index, part in enumerate(parts):
        if index and whole and not whole.endswith(b"\n"):
            whole += b"\n"
        if index and mark:
            whole += mark if mark.endswith(b"\n") else mark + b"\n"
        whole += part
    return whole


def _unescaped(text):
    """Backslash escapes resolved, everything that is not ASCII left as it is."""
    return re.sub(r"\\(?:x[0-9a-fA-F]{2}|[abfnrtv\\'\"0])", lambda found: _escape(found.group()), text).encode(
        "utf-8", "surrogateescape")


def _escape(text):
    return text.encode("ascii").decode("unicode_escape")
