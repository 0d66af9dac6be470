"""Append-only files of one JSON object a line, which a crash may cut at any byte: what was cut was never written."""

import json
import os


def append(path, *entries, is_durable=True):
    """Adds the entries in one write, and syncs them; `OSError` when the disk does not take them.

    Not ``is_durable``: for what a killed process must leave behind, and a power cut need not.
    """
    from agentlet import files  # not on the way of every connection
    is_new = not os.path.exists(path)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        # The newline first ends a line that a crash may have cut.
        files.write_all(fd, (b"" if is_new else b"\n") + packed(*entries))
        if is_durable:
            os.fsync(fd)
    finally:
        os.close(fd)
    if is_new and is_durable:
        files.sync_directory(os.path.dirname(path))


def read(path):
    """The entries that are whole, in order; [] when there is no file."""
    try:
        with open(path, "rb") as opened:
            data = opened.read().split(b"\n")
    except FileNotFoundError:
        return []
    entries = []
    for line in data:
        try:
            entries.append(json.loads(line.decode("ascii")))
        except ValueError:
            continue  # cut by a crash, and continued behind it; of an object no beginning is whole
    return entries


def packed(*entries):
    """The bytes of a file with these entries."""
    return b"".join(json.dumps(entry, separators=(",", ":")).encode("ascii") + b"\n" for entry in entries)
