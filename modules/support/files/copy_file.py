"""One file that shall have given contents and attributes: what differs, and putting it in place.

Used by copy, its directory trees, and assemble.
"""

import os
import stat

from modules.api import Change, Failed
from modules.support.files.attributes import plan, put
from modules.support.files.copy_source import diff_of_file, same
from modules.support.files.placement import checksums, place_file


class Piece(object):
    """A file to be. ``source`` is None when its contents are right and only attributes differ."""

    __slots__ = ("path", "source", "planned", "diff")

    def __init__(self, path, source, planned, diff):
        self.path = path
        self.source = source
        self.planned = planned
        self.diff = diff


def look(path, source, args, host, mode=None):
    """The `Piece` for ``path``, or None when it is as it should be. Only reads."""
    is_link = os.path.islink(path)
    if os.path.lexists(path) and not is_link and not os.path.isfile(path):
        raise Failed("wrong_type", "{} exists and is no plain file".format(path), dest=path)
    planned = plan(path, args, host, new=is_link, mode=mode)
    if same(source, path, host):
        return Piece(path, None, planned, _attributes_diff(path, planned)) if planned.changed else None
    return Piece(path, source, planned, _contents_diff(path, source, host))


def place(piece, args, host):
    """Put a `Piece` in place. Returns checksum, md5sum and backup_file, as far as they are known."""
    if piece.source is None:
        put(piece.path, piece.planned, host)
        return {"path": piece.path}
    temp = piece.source.temp(os.path.dirname(piece.path) or ".", host)
    values = checksums(temp)
    expected = args.get("checksum")
    if expected and expected != values["checksum"]:
        raise Failed("checksum", "Copied file does not match the expected checksum. Transfer failed.",
                     checksum=values["checksum"], expected_checksum=expected)
    values.update(place_file(piece.path, temp, piece.planned, args, host))
    return values


def change(pieces, values):
    """One `Change` for one or many pieces."""
    return Change(diff=[part for piece in pieces for part in piece.diff], values=values, data=pieces)


def mode_of(path):
    """The permission bits of what a path leads to."""
    return stat.S_IMODE(os.stat(path).st_mode)


def _contents_diff(path, source, host):
    if not host.diff:
        return []
    is_new = not os.path.isfile(path)
    return [{"before": "" if is_new else diff_of_file(path, host), "after": source.shown(host),
             "before_header": None if is_new else path, "after_header": path}]


def _attributes_diff(path, planned):
    return [{"before": dict(planned.before, path=path), "after": dict(planned.after, path=path)}]
