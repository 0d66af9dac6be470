"""The files in which apt looks for keys that it trusts: what is in them, adding and removing keys."""

import os

from modules.api import Failed
from modules.support.keys import openpgp

MAIN = "/etc/apt/trusted.gpg"
FOLDER = "/etc/apt/trusted.gpg.d"


class Ring(object):
    """One file: its ``path``, its ``keys``, and whether it is ``armored``. A file that is not there has no keys."""

    __slots__ = ("path", "keys", "armored")

    def __init__(self, path, keys, armored):
        self.path = path
        self.keys = keys
        self.armored = armored


def default_rings(host):
    """apt's own rings: trusted.gpg and those in trusted.gpg.d. What is no ring is passed over with a warning."""
    names = os.listdir(FOLDER) if os.path.isdir(FOLDER) else []
    paths = [MAIN] + [os.path.join(FOLDER, name) for name in sorted(names) if name.endswith((".gpg", ".asc"))]
    found = []
    for path in paths:
        try:
            found += [ring(path, host)] if os.path.exists(path) else []
        except Failed as fault:
            host.warn("{}: {}".format(path, fault.message))
    return found


def ring(path, host):
    """A ring as it is now. `Failed` with ``keybox`` or ``bad_key`` for a file of another form."""
    armored = path.endswith(".asc")
    if not os.path.exists(path) or os.path.getsize(path) == 0:
        return Ring(path, [], armored)
    data = host.read(path)
    if data[8:12] == b"KBXf":
        raise Failed("keybox", "{} is in gpg's own keybox form, which apt does not read".format(path),
                     "gpg --no-default-keyring --keyring {} --export makes a ring of it".format(path))
    return Ring(path, openpgp.keys(data), openpgp.is_armored(data))


def new_ring(key):
    """The file for a key that no ring is named for."""
    return Ring(os.path.join(FOLDER, key.fingerprint + ".gpg"), [], False)


def holding(name, rings):
    """The rings that have a key (or subkey) called so."""
    return [each for each in rings if any(key.is_called(name) for key in each.keys)]


def add(kept, keys, host):
    """Put keys into a ring; its other keys stay."""
    write(kept, kept.keys + keys, host)


def remove(kept, name, host):
    """Take a key out; a file without keys goes."""
    left = [key for key in kept.keys if not key.is_called(name)]
    if left:
        write(kept, left, host)
    else:
        os.unlink(kept.path)


def write(kept, keys, host):
    """The ring's file with these keys."""
    data = b"".join(key.data for key in keys)
    # apt reads as the user _apt.
    host.write(kept.path, openpgp.armored(data) if kept.armored else data,
               mode=None if os.path.exists(kept.path) else 0o644)
