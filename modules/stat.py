"""Tells what a path is; changes nothing.

    - name: Is there a configuration already?
      stat:
        path: /etc/app.conf
      register: configuration

Returns ``stat``: ``exists``, and for what exists ``path``, ``mode``, ``isreg``, ``isdir``, ``islnk`` …, ``size``,
``uid``, ``gid``, ``pw_name``, ``gr_name``, ``atime``, ``mtime``, ``ctime``, ``checksum``, ``mimetype``, ``charset``,
``attributes``.
Errors: ``permission_denied``, ``stat``.
"""

import errno
import os
import stat as mode_bits

from modules.api import Arg, Failed
from modules.support.files.status import link_values, status_values

ARGS = {
    "path": Arg("path", "The path.", required=True, aliases=("dest", "name")),
    "follow": Arg("bool", "Tell of what a link leads to, not of the link.", default=False),
    "get_checksum": Arg("bool", "Compute the checksum of a plain file that can be read.", default=True),
    "checksum_algorithm": Arg("str", "Algorithm of the checksum.", default="sha1",
                              choices=("md5", "sha1", "sha224", "sha256", "sha384", "sha512"),
                              aliases=("checksum", "checksum_algo")),
    "get_mime": Arg("bool", "Ask file(1) for type and charset.", default=True,
                    aliases=("mime", "mime_type", "mime-type")),
    "get_attributes": Arg("bool", "Ask lsattr(1) for the file's flags.", default=True, aliases=("attr", "attributes")),
}
CHECK_MODE = "run"
RETRY_SAFE = True

FLAGS = {
    "A": "noatime", "C": "nocow", "D": "dirsync", "I": "indexed", "N": "inline", "P": "projinherit", "S": "synchronous",
    "T": "topdir", "V": "verity", "a": "append", "c": "compressed", "d": "nodump", "e": "extents", "i": "immutable",
    "j": "journal-data", "s": "secure-delete", "t": "notail", "u": "undelete",
}


def run(args, host):
    path = args["path"]
    try:
        now = os.stat(path) if args["follow"] else os.lstat(path)
    except OSError as error:
        return _not_there(path, error)
    values = dict(status_values(path, now), exists=True)
    values.update(blocks=now.st_blocks, block_size=now.st_blksize, device_type=now.st_rdev)
    for name, bit in (("readable", os.R_OK), ("writeable", os.W_OK), ("executable", os.X_OK)):
        values[name] = os.access(path, bit)
    if values["islnk"]:
        values.update(link_values(path))
    if args["get_checksum"] and mode_bits.S_ISREG(now.st_mode) and values["readable"]:
        values["checksum"] = host.digest(path, args["checksum_algorithm"])
    if args["get_mime"]:
        values.update(_mime(path, args["follow"], host))
    if args["get_attributes"]:
        values.update(_flags(path, host))
    return {"changed": False, "stat": values}


def _not_there(path, error):
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return {"changed": False, "stat": {"exists": False}}
    if error.errno in (errno.EACCES, errno.EPERM):
        raise Failed("permission_denied", "Permission denied: {}".format(path), "Does the task need become: true?")
    raise Failed("stat", "cannot stat {}: {}".format(path, error.strerror))


def _mime(path, follow, host):
    """``unknown`` for both, as in Ansible, when file(1) is not there or does not know."""
    if not host.which("file"):
        return {"mimetype": "unknown", "charset": "unknown"}
    argv = ["file", "--brief", "--mime-type", "--mime-encoding"] + (["--dereference"] if follow else [])
    shown = host.query(argv + ["--", path])
    kind, _, charset = shown.stdout.strip().partition(";")
    if shown.rc != 0 or not charset:
        return {"mimetype": "unknown", "charset": "unknown"}
    return {"mimetype": kind.strip(), "charset": charset.strip().partition("=")[2]}


def _flags(path, host):
    """``version``, ``attr_flags`` and ``attributes`` by lsattr(1); empty where the file system has none."""
    nothing = {"version": None, "attr_flags": "", "attributes": []}
    if not host.which("lsattr"):
        return nothing
    shown = host.query(["lsattr", "-vd", "--", path])
    fields = shown.stdout.split()
    if shown.rc != 0 or len(fields) < 2:
        return nothing
    letters = fields[1].replace("-", "")
    names = [FLAGS[each] for each in letters if each in FLAGS]
    return {"version": fields[0], "attr_flags": letters, "attributes": names}
