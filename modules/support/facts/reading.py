"""Reading small files of /proc, /sys and /etc, which may be absent, forbidden or odd."""

import os

LIMIT_BYTES = 4 * 1024 * 1024
PART_BYTES = 16 * 1024
"""Of what is asked for, the kernel makes room for all, whatever there is in a file of /proc/sys."""


def text(path, default=""):
    """The file's text (UTF-8, surrogateescape), at most 4 MiB; ``default`` when it cannot be read."""
    try:
        # Hundreds of files are read for the facts, and a file object costs three times as much as its descriptor.
        number = os.open(path, os.O_RDONLY)
        try:
            data = more = os.read(number, PART_BYTES)
            while more and len(data) < LIMIT_BYTES:
                more = os.read(number, PART_BYTES)
                data += more
        finally:
            os.close(number)
    except OSError:
        return default
    return data[:LIMIT_BYTES].decode("utf-8", "surrogateescape")


def line(path, default=""):
    """The first line, stripped; ``default`` when there is none."""
    content = text(path).strip()
    return content.split("\n", 1)[0].strip() if content else default


def assignments(content):
    """A dict of shell-like ``KEY=value`` lines (os-release, lsb-release, /etc/default): quotes and comments go."""
    found = {}
    for raw in content.splitlines():
        entry = raw.strip()
        if entry.startswith("#") or "=" not in entry:
            continue
        key, value = entry.split("=", 1)
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        found[key.strip()] = value
    return found
