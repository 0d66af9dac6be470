"""Sends a file from the host to the controller. This is the host's half: it looks, and uploads in flat memory.

    - name: Keep the crash report
      fetch:
        src: /var/crash/report
        dest: reports/

Where the file goes (``dest``, ``flat``) is the controller's business: no name from a host decides about a path there.
With ``known_checksum``, the SHA-1 of the file the controller has, only a file that differs is uploaded.
Returns ``stream`` (the upload; absent when nothing was sent), ``size``, ``sha256``, ``checksum``, ``remote_checksum``
(both SHA-1), ``source``, ``mode``. With fail_on_missing=false, where there is no file to fetch: ``file`` and ``msg``.
Errors: ``no_path``, ``is_directory``, ``wrong_type``, ``permission_denied``.
"""

import os
import stat

from modules.api import Arg, Failed
from modules.support.files.mode import octal

MISSING = "the remote file does not exist, not transferring, ignored"
DIRECTORY = "remote file is a directory, fetch cannot work on directories"

ARGS = {
    "src": Arg("path", "The file on the host; no directory.", required=True),
    "dest": Arg("str", "Where the controller keeps it.", required=True),
    "flat": Arg("bool", "Keep it as dest itself, without a folder per host.", default=False),
    "fail_on_missing": Arg("bool", "Fail when there is no such file, or a directory in its place.", default=True),
    "validate_checksum": Arg("bool", "Compare the checksum after the transfer (it always is).", default=True),
    "known_checksum": Arg("str", "SHA-1 of the file that the controller has already."),
}
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    path = args["src"]
    try:
        now = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        if args["fail_on_missing"]:
            raise Failed("no_path", MISSING, "{} is not on the host".format(path), file=path)
        return {"changed": False, "file": path, "msg": MISSING}
    except OSError as error:
        raise Failed("permission_denied", "File is not readable: {}: {}".format(path, error.strerror), file=path)
    if stat.S_ISDIR(now.st_mode):
        if args["fail_on_missing"]:
            raise Failed("is_directory", DIRECTORY, file=path)
        return {"changed": False, "file": path, "msg": DIRECTORY}
    if not stat.S_ISREG(now.st_mode):
        raise Failed("wrong_type", "remote file is no plain file, fetch cannot work on it", file=path)
    if not os.access(path, os.R_OK):
        raise Failed("permission_denied", "File is not readable: {}".format(path),
                     "Does the task need become: true?", file=path)
    checksum = host.digest(path, "sha1")
    values = {"source": path, "size": now.st_size, "mode": octal(now.st_mode), "checksum": checksum,
              "remote_checksum": checksum, "changed": checksum != args["known_checksum"]}
    if values["changed"] and not host.check_mode:
        values.update(host.send(path))
    return values
