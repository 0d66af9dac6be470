"""Runs a command line through a shell: pipes, redirections and variables work.

Example::

    - name: Count the users
      ansible.builtin.shell: getent passwd | wc -l
      args:
        executable: /bin/bash
      register: users

Returns ``cmd``, ``rc``, ``stdout``, ``stderr``, ``start``, ``end``, ``delta``, ``msg``. In check mode it is skipped,
except that ``creates`` and ``removes`` foretell whether it would run.
Errors: ``command_failed`` (rc is not 0), ``not_executable``, ``chdir``, ``no_command``.
"""

from modules.api import Arg, Failed, exclusive, one_of
from modules.support import command_line

ARGS = {
    "_raw_params": Arg("str", "The command line as free text."),
    "cmd": Arg("str", "The command line."),
    "executable": Arg("path", "The shell, by its absolute path.", default="/bin/sh"),
}
ARGS.update(command_line.GUARD_ARGS)
ARGS.update(command_line.INPUT_ARGS)
RULES = (exclusive("_raw_params", "cmd"), one_of("_raw_params", "cmd"))
FREE_FORM = "_raw_params"
CHECK_MODE = "own"


def run(args, host):
    line = args["_raw_params"] or args["cmd"]
    if not line or not line.strip():
        raise Failed("no_command", "no command given", "use free text or cmd", rc=256)
    return command_line.perform(args, host, line, lambda: host.run(
        line, shell=True, executable=args["executable"], input=command_line.stdin_of(args), cwd=args["chdir"]))
