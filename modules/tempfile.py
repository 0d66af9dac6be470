"""Makes a new empty file or directory with a name that nobody could guess, for its owner only.

    - name: Room to build in
      tempfile:
        state: directory
        suffix: build
      register: room

It stays until a task removes it. Returns ``path``, ``state``, ``mode``, ``owner``, ``group``, ``uid``, ``gid``,
``size``. Errors: ``tempfile``.
"""

import os
import tempfile

from modules.api import Arg, Failed
from modules.support.files.attributes import stat_values

ARGS = {
    "state": Arg("str", "What to make.", default="file", choices=("directory", "file")),
    "path": Arg("path", "The folder to make it in; the system's folder for temporary files when not given."),
    "prefix": Arg("str", "How its name begins.", default="ansible."),
    "suffix": Arg("str", "How its name ends.", default=""),
}
CHECK_MODE = "skip"


def run(args, host):
    for name in ("prefix", "suffix"):
        if os.sep in args[name]:
            raise Failed("bad_arguments", "{} must be a valid file name component: {}".format(name, args[name]))
    try:
        if args["state"] == "directory":
            path = tempfile.mkdtemp(args["suffix"], args["prefix"], args["path"])
        else:
            fd, path = tempfile.mkstemp(args["suffix"], args["prefix"], args["path"])
            os.close(fd)
    except OSError as error:
        raise Failed("tempfile", str(error))
    return dict(stat_values(path), changed=True, path=path)
