"""Runs one command by its argument list, without a shell.

Example::

    - name: Fill the database once
      ansible.builtin.command:
        cmd: /usr/local/bin/make-database --name "{{ db_name }}"
        creates: /var/lib/app/database

Returns ``cmd``, ``rc``, ``stdout``, ``stderr``, ``start``, ``end``, ``delta``, ``msg``. In check mode it is skipped,
except that ``creates`` and ``removes`` foretell whether it would run.
Errors: ``command_failed`` (rc is not 0), ``not_executable``, ``chdir``, ``no_command``, ``bad_quotes``.
"""

import os
import shlex

from modules.api import Arg, Failed, exclusive, one_of
from modules.support import command_line

ARGS = {
    "_raw_params": Arg("str", "The command as free text."),
    "cmd": Arg("str", "The command as one text; split like a shell splits words, nothing else is interpreted."),
    "argv": Arg("list", "The command as a list; nothing is split.", elements="str"),
    "expand_argument_vars": Arg("bool", "Expand $NAME and ~ in the arguments.", default=True),
    "executable": Arg("path", "Has no effect here; use the shell module to choose a shell."),
}
ARGS.update(command_line.GUARD_ARGS)
ARGS.update(command_line.INPUT_ARGS)
RULES = (exclusive("_raw_params", "cmd", "argv"), one_of("_raw_params", "cmd", "argv"))
FREE_FORM = "_raw_params"
CHECK_MODE = "own"


def run(args, host):
    argv = words(args)
    if args["executable"]:
        host.warn("As of Ansible 2.4, the parameter 'executable' is no longer supported with the 'command' module. "
                  "Not using '{}'.".format(args["executable"]))
    return command_line.perform(args, host, argv, lambda: _execute(args, host, argv))


def words(args):
    """The argument list that was asked for."""
    if args["argv"]:
        return list(args["argv"])
    text = args["_raw_params"] or args["cmd"]
    try:
        found = shlex.split(text or "")
    except ValueError as error:
        raise Failed("bad_quotes", "cannot split the command into words: {}".format(error), "balance the quotes")
    if not found:
        raise Failed("no_command", "no command given", "use free text, cmd or argv", rc=256)
    return found


def _execute(args, host, argv):
    if args["expand_argument_vars"]:
        environment = dict(os.environ, **host.environment)
        argv = [command_line.expand(word, environment) for word in argv]
    return host.run(argv, input=command_line.stdin_of(args), cwd=args["chdir"])
