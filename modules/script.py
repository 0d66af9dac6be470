"""Runs a script of the controller on the host; the host needs no Python module for it, only the interpreter it names.

Example::

    - name: Set up by a script
      ansible.builtin.script: files/setup.sh --color blue
      args:
        creates: /etc/setup.done

The controller turns the file into ``script`` (a blob) and the words behind it into ``arguments``.
Returns ``rc``, ``stdout``, ``stderr``, ``cmd`` and their kin as ``shell`` does.
Errors: ``command_failed`` (rc is not 0), ``not_executable``, ``chdir``.
"""

import os
import shlex
import tempfile

from modules.api import Arg
from modules.support import command_line

ARGS = {
    "script": Arg("raw", "The script as a blob reference.", required=True),
    "name": Arg("str", "The script's name on the controller, for messages."),
    "arguments": Arg("str", "What follows the script's name; interpreted by the host's shell.", default=""),
    "executable": Arg("str", "The interpreter, with its own arguments; default: the script's first line."),
}
ARGS.update(command_line.GUARD_ARGS)
CHECK_MODE = "own"


def run(args, host):
    shown = " ".join(part for part in (args["executable"], args["name"] or "script", args["arguments"]) if part)
    for option, why in (("creates", "exists"), ("removes", "does not exist")):
        if command_line.settles(args, option):
            return {"skipped": True, "msg": "{} {}, matching {} option".format(args[option], why, option)}
    return command_line.perform(args, host, shown, lambda: _execute(args, host))


def _execute(args, host):
    folder, executable = executable_folder(host)
    path = host.blob_file(args["script"], folder)
    os.chmod(path, 0o700)
    interpreter = args["executable"]
    if not interpreter and not executable:
        interpreter = shebang(host.read(path)[:256])
    line = " ".join(part for part in (interpreter, shlex.quote(path), args["arguments"]) if part)
    try:
        return host.run(line, shell=True, cwd=args["chdir"])
    finally:
        if os.path.exists(path):
            os.unlink(path)


def executable_folder(host):
    """(directory, True) where files may be executed, else (a writable one, False)."""
    writable = []
    for folder in (tempfile.gettempdir(), "/var/tmp", host.home, "/run/user/{}".format(host.uid)):
        if folder and os.access(folder, os.W_OK | os.X_OK):
            writable.append(folder)
            if not os.statvfs(folder).f_flag & os.ST_NOEXEC:
                return folder, True
    return (writable or [tempfile.gettempdir()])[0], False


def shebang(head):
    """The interpreter that the first line names, quoted for a shell; ``/bin/sh`` when it names none."""
    if not head.startswith(b"#!"):
        return "/bin/sh"
    line = head[2:].split(b"\n", 1)[0].decode("utf-8", "surrogateescape").strip()
    return " ".join(shlex.quote(word) for word in line.split(None, 1)) or "/bin/sh"
