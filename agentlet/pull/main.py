"""The agentlet's commands. `run`, `runtime` and `helper` are read by hand: what they need not, they do not load."""

import os
import sys

from agentlet.pull import VERSION
from agentlet.pull.faults import AgentletError

USAGE = """usage: python3 agentlet.pyz COMMAND [OPTIONS]

  enroll     make this host known, with a token from `orch agents invite HOST`
  run        work: ask for jobs and do them, until told to stop (this is what the service does)
  status     what this agentlet is, and how it is
  unit       print the definition of the service for systemd (--for launchd, --for windows)
  update     ask the server for a newer version now
  uninstall  end the service, and remove what it left
  version    print the version

Each takes --help, and --state DIR: where it keeps its state.
"""


def main(program, arguments):
    """The exit code. ``program``: the file that was started."""
    command = arguments[0] if arguments else "help"
    try:
        if command == "runtime":
            from agentlet.pull import bundle
            if arguments[1:2] == ["--as"] and len(arguments) == 3:
                from agentlet.pull import accounts
                accounts.become(arguments[2])
            return bundle.start_runtime()
        if command == "run":
            return _run(program, arguments[1:])
        if command == "helper":
            from agentlet.pull.helper import serve
            return serve.main(program, arguments[1:])
        if command == "version":
            sys.stdout.write(VERSION + "\n")
            return 0
        if command in ("help", "-h", "--help"):
            sys.stdout.write(USAGE)
            return 0
        from agentlet.pull import commands
        return commands.main(program, command, arguments[1:])
    except AgentletError as error:
        sys.stderr.write("agentlet: %s\n" % error.message)
        if error.hint:
            sys.stderr.write("  hint: %s\n" % error.hint)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(program, arguments):
    from agentlet.pull.state import State, default_directory
    directory = launched_by = None
    is_trial = False
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word == "--trial":
            is_trial = True
        elif word == "--state" and words:
            directory = words.pop(0)
        elif word == "--launcher" and words:
            launched_by = words.pop(0)
        else:
            sys.stderr.write("usage: python3 agentlet.pyz run [--state DIR]\n")
            return 2
    from agentlet.pull import service
    state = State(os.path.abspath(directory or default_directory()))
    return service.run(state, program, is_trial, launched_by)
