"""Runs a command on a terminal of its own, and answers its prompts.

Example::

    - name: The installer is told where to
      ansible.builtin.expect:
        command: /opt/installer/run --interactive
        responses:
          (?i)install to.*: /opt/app
          Continue: ["y", "n"]
      no_log: true

Needs nothing on the host but Python. A list answers the first, second … time its prompt comes; a text answers always.
Returns ``cmd``, ``stdout`` (the terminal's, with its line ends), ``rc``, ``start``, ``end``, ``delta``.
Errors: ``command_failed``, ``timeout``, ``no_response``, ``not_utf8``, ``no_command``, ``bad_pattern``, ``chdir``.
"""

import os
import re
import select
import shlex
import signal
import subprocess
import termios
import time

from modules.api import Arg, Completed, Failed
from modules.support import command_line

WINDOW_CHARACTERS = 2000
OUTPUT_LIMIT_BYTES = 10 << 20

ARGS = {
    "command": Arg("str", "The command; split like a shell splits words, nothing else is interpreted.", required=True),
    "responses": Arg("dict", "Regular expression of a prompt: its answer, or a list of answers.", required=True),
    "chdir": command_line.GUARD_ARGS["chdir"],
    "creates": command_line.GUARD_ARGS["creates"],
    "removes": command_line.GUARD_ARGS["removes"],
    "timeout": Arg("raw", "Seconds to wait for a prompt or the end; 'none' (or null in a task): for ever.", default=30),
    "echo": Arg("bool", "Let the terminal echo the answers into stdout.", default=False),
}


def run(args, host):
    try:
        argv = shlex.split(args["command"])
    except ValueError as error:
        raise Failed("bad_quotes", "cannot split the command into words: {}".format(error), "balance the quotes")
    if not argv:
        raise Failed("no_command", "no command given", rc=256)
    prompts, timeout_s = compiled(args["responses"]), seconds(args["timeout"])
    talk = Talk(prompts, timeout_s)
    result = command_line.perform(
        args, host, args["command"], lambda: talk.hold(host.which(argv[0]) or argv[0], argv, args, host))
    result.pop("stderr", None)
    if talk.fault is not None:
        talk.fault.values = dict(result, msg=talk.fault.message, **talk.fault.values)
        raise talk.fault
    return result


def compiled(responses):
    """[(pattern, text or list of answers left)] in the order written."""
    found = []
    for pattern, answer in responses.items():
        try:
            regex = re.compile(str(pattern).encode("utf-8", "surrogateescape"), re.DOTALL)
        except re.error as error:
            raise Failed("bad_pattern", "{} is no valid regular expression: {}".format(pattern, error))
        found.append((regex, [_line(each) for each in answer] if isinstance(answer, list) else _line(answer)))
    return found


def seconds(timeout):
    """The argument as a number; None: for ever."""
    if isinstance(timeout, str) and timeout.lower() in ("none", "null", ""):
        return None
    try:
        return float(timeout)
    except (TypeError, ValueError):
        raise Failed("bad_arguments", "timeout must be a number of seconds or null, not {!r}".format(timeout))


def _line(answer):
    return "{}\n".format(answer).encode("utf-8", "surrogateescape")


class Talk(object):
    """One command on its terminal. Prompts are sought in what came since the last one that was answered."""

    def __init__(self, prompts, timeout_s):
        self.prompts = prompts
        self.timeout_s = timeout_s
        self.fault = None
        self.output = []
        self.size_bytes = 0
        self.heard = b""

    def hold(self, program, argv, args, host):
        """Run it to its end: a `Completed` whose stdout is what the terminal showed. A stuck one is killed; `fault`."""
        master, slave = os.openpty()
        try:
            _settle(slave, args["echo"])
            try:
                child = subprocess.Popen(argv, executable=program, stdin=slave, stdout=slave, stderr=slave,
                                         cwd=args["chdir"], env=dict(os.environ, **host.environment),
                                         preexec_fn=_own_terminal)
            except OSError as error:
                raise Failed("not_executable", "The command was not found or was not executable: {}: {}".format(
                    argv[0], error.strerror), rc=127)
            finally:
                os.close(slave)
            try:
                self._converse(master)
                rc = self._ended(child)
                text = self._text()
            except Failed as fault:
                self.fault, rc, text = fault, 0, ""
            finally:
                _kill(child)
        finally:
            os.close(master)
        return Completed(argv, rc, text, "")

    def _converse(self, master):
        deadline = self._deadline()
        while True:
            wait_s = None if deadline is None else max(0, deadline - time.monotonic())
            if not select.select([master], [], [], wait_s)[0]:
                raise Failed("timeout", "command exceeded timeout", **self._so_far())
            try:
                data = os.read(master, 1 << 16)
            except OSError:  # Linux says EIO when the last writer is gone
                return
            if not data:
                return
            self._keep(data)
            self.heard = (self.heard + data)[-max(WINDOW_CHARACTERS, len(data)):]
            while self._answer(master):
                deadline = self._deadline()

    def _answer(self, master):
        """Answer the prompt that comes first in what was heard; False when there is none."""
        matches = [(match.start(), index, match) for index, (regex, _) in enumerate(self.prompts)
                   for match in [regex.search(self.heard)] if match and match.end()]
        if not matches:
            return False
        _, index, match = min(matches)
        self.heard = self.heard[match.end():]
        regex, answer = self.prompts[index]
        if isinstance(answer, list):
            if not answer:
                raise Failed("no_response", "No remaining responses for '{}', output was '{}'".format(
                    regex.pattern.decode("utf-8", "replace"), match.group().decode("utf-8", "replace")),
                    **self._so_far())
            answer = answer.pop(0)
        os.write(master, answer)
        return True

    def _ended(self, child):
        """The exit status; a child that closed its terminal and lives on has the timeout to end."""
        try:
            rc = child.wait(self.timeout_s)
        except subprocess.TimeoutExpired:
            raise Failed("timeout", "command exceeded timeout", **self._so_far())
        return rc if rc >= 0 else 128 - rc

    def _deadline(self):
        return None if self.timeout_s is None else time.monotonic() + self.timeout_s

    def _keep(self, data):
        self.size_bytes += len(data)
        if self.size_bytes <= OUTPUT_LIMIT_BYTES:
            self.output.append(data)

    def _text(self):
        try:
            return b"".join(self.output).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Failed("not_utf8", "Refusing to deserialize an invalid UTF8 string value: {}".format(error),
                         "let the command encode its output, as through base64")

    def _so_far(self):
        return {"stdout": b"".join(self.output).decode("utf-8", "replace"), "rc": None}


def _settle(terminal, echo):
    """A terminal that echoes only when asked to."""
    modes = termios.tcgetattr(terminal)
    modes[3] = modes[3] | termios.ECHO if echo else modes[3] & ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, modes)


def _own_terminal():
    """In the child: a session of its own, whose terminal is stdin, so that /dev/tty works and prompts come there."""
    import fcntl  # only the child needs it

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _kill(child):
    """Nothing of the command is left when the task ends."""
    if child.poll() is None:
        for number in (signal.SIGHUP, signal.SIGKILL):
            try:
                os.killpg(child.pid, number)
            except OSError:
                pass
            try:
                child.wait(1)
                return
            except subprocess.TimeoutExpired:
                continue
