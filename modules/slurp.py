"""Brings a small file's contents back as base64; changes nothing.

    - name: The host's public key
      slurp:
        src: /etc/ssh/ssh_host_ed25519_key.pub
      register: key

Returns ``content`` (base64), ``encoding`` (base64) and ``source``. The limit is 64 MiB; for more there is `fetch`.
Errors: ``no_path``, ``is_directory``, ``permission_denied``, ``too_large``,
``unreadable``, ``wrong_type``.
"""

import base64
import errno
import os
import stat

from modules.api import Arg, Failed

LIMIT_BYTES = 64 << 20

ARGS = {"src": Arg("path", "The file on the host.", required=True, aliases=("path",))}
CHECK_MODE = "run"
RETRY_SAFE = True


def run(args, host):
    path = args["src"]
    try:
        now = os.stat(path)
        if stat.S_ISFIFO(now.st_mode) or stat.S_ISSOCK(now.st_mode):
            raise Failed("wrong_type", "Source is no plain file and has no end: {}".format(path))
        if now.st_size > LIMIT_BYTES and not stat.S_ISDIR(now.st_mode):
            raise Failed("too_large", "{} has {} bytes, slurp takes at most {}".format(path, now.st_size, LIMIT_BYTES),
                         "fetch brings files of any size")
        # Files in /proc say 0 bytes and have more: the bound is on what is read.
        with open(path, "rb") as file:
            data = file.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise unreadable(path, error)
    if len(data) > LIMIT_BYTES:
        raise Failed("too_large", "{} has more than {} bytes".format(path, LIMIT_BYTES), "fetch brings any size")
    return {"changed": False, "content": base64.b64encode(data).decode("ascii"), "encoding": "base64", "source": path}


def unreadable(path, error):
    """The `Failed` that says why a file cannot be read."""
    if error.errno == errno.ENOENT:
        return Failed("no_path", "File not found: {}".format(path))
    if error.errno in (errno.EACCES, errno.EPERM):
        return Failed("permission_denied", "File is not readable: {}".format(path), "Does the task need become: true?")
    if error.errno == errno.EISDIR:
        return Failed("is_directory", "Source is a directory and must be a file: {}".format(path))
    return Failed("unreadable", "Unable to slurp file: {}: {}".format(path, error.strerror))
