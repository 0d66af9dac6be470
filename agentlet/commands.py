"""Runs one command: an argument list (or a shell line when asked for), bounded in time and in output."""

import errno
import os
import resource
import select
import signal
import subprocess
import time

from agentlet.output import HeadTail
from modules.api import Completed, Failed

GRACE_S = 5.0
"""From TERM to KILL."""
_LINGER_S = 0.25


def run(argv, stdin=None, cwd=None, env=None, timeout_s=None, umask=None, shell=False, executable=None):
    """Runs to the end and returns a `Completed`; ``timed_out`` is set when it had to be killed.

    A command gets its own session, nothing on stdin unless given, and no memory limit of ours. A background process
    that it leaves behind with its output still open is not waited for. Raises `Failed` with ``command_not_found``,
    ``permission_denied`` or ``command_not_started`` when it cannot be started.
    """
    process = _start(argv, stdin is not None, cwd, env, umask, shell, executable)
    captured = _Capture(process, _to_bytes(stdin))
    timed_out = not captured.until_exit(None if timeout_s is None else time.monotonic() + timeout_s)
    captured.close()
    return Completed(argv, process.returncode, captured.out.text(), captured.err.text(), timed_out,
                     captured.out.truncated or captured.err.truncated, captured.out.digest())


def _to_bytes(data):
    return data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data


def _start(argv, has_input, cwd, env, umask, shell, executable):
    if not shell and (isinstance(argv, (str, bytes)) or not argv):
        raise ValueError("argv must be a list with at least the program's name")
    limits = resource.getrlimit(resource.RLIMIT_AS)
    old_umask = os.umask(umask) if umask is not None else None
    # The worker limits its own memory, not that of its commands: children inherit what holds while they are forked.
    resource.setrlimit(resource.RLIMIT_AS, (limits[1], limits[1]))
    try:
        return subprocess.Popen(
            argv if shell else [str(part) if not isinstance(part, bytes) else part for part in argv],
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=cwd, env=env, shell=shell, executable=executable, start_new_session=True, bufsize=0)
    except (OSError, ValueError) as error:
        raise _not_started(argv, cwd, executable, shell, error)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
        if old_umask is not None:
            os.umask(old_umask)


def _not_started(argv, cwd, executable, shell, error):
    program = executable or ("/bin/sh" if shell else argv[0])
    if isinstance(program, bytes):
        program = program.decode("utf-8", "surrogateescape")
    number = getattr(error, "errno", None)
    if cwd is not None and not os.path.isdir(cwd):
        return Failed("no_directory", "The working directory %s does not exist" % cwd, rc=257)
    if number == errno.ENOENT:
        return Failed("command_not_found", "There is no command %s" % program, "Is it installed, and in PATH?", rc=2)
    if number in (errno.EACCES, errno.EPERM):
        return Failed("permission_denied", "Not allowed to execute %s" % program, "Use become, or check its mode",
                      rc=13)
    return Failed("command_not_started", "Cannot start %s: %s" % (program, error), rc=257)


class _Capture(object):
    """Feeds stdin and collects stdout and stderr until the process has ended."""

    def __init__(self, process, data):
        self.process = process
        self.out, self.err = HeadTail(), HeadTail()
        self._input = memoryview(data or b"")
        self._sinks = {process.stdout.fileno(): self.out, process.stderr.fileno(): self.err}
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
        if process.stdin is not None and not len(self._input):
            process.stdin.close()

    def until_exit(self, deadline):
        """False when the deadline came first, in which case the process and its group were killed."""
        while self._sinks:
            # A process that ended but left its output open to a daemon is noticed by polling, at growing distance.
            if self.process.poll() is not None:
                self._linger()
                return True
            if not self._step(deadline, 0.05):
                self._kill()
                return False
        return self._wait(deadline)

    def _step(self, deadline, longest):
        left = longest if deadline is None else min(longest, deadline - time.monotonic())
        if left < 0:
            return False
        writers = [self.process.stdin] if self.process.stdin and not self.process.stdin.closed else []
        readable, writable, _ = select.select(list(self._sinks), writers, [], left)
        for number in readable:
            self._read(number)
        if writable:
            self._write()
        return True

    def _read(self, number):
        try:
            data = os.read(number, 65536)
        except BlockingIOError:
            return
        if data:
            self._sinks[number].add(data)
        else:
            del self._sinks[number]

    def _write(self):
        try:
            written = os.write(self.process.stdin.fileno(), self._input[:65536])
            self._input = self._input[written:]
        except BlockingIOError:
            return
        except BrokenPipeError:
            # It does not want its input: that is its own affair.
            self._input = self._input[:0]
        if not len(self._input):
            self.process.stdin.close()

    def _linger(self):
        """What the ended process wrote is in the pipes already; a daemon that keeps writing is not waited for."""
        end = time.monotonic() + _LINGER_S
        while self._sinks and time.monotonic() < end:
            before = self.out.size + self.err.size
            self._step(None, 0.02)
            if self.out.size + self.err.size == before:
                return

    def _wait(self, deadline):
        try:
            self.process.wait(None if deadline is None else max(0, deadline - time.monotonic()))
            return True
        except subprocess.TimeoutExpired:
            self._kill()
            return False

    def _kill(self):
        for number, wait_s in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, GRACE_S)):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                pass
            end = time.monotonic() + wait_s
            while self.process.poll() is None and time.monotonic() < end:
                self._step(None, 0.05) if self._sinks else time.sleep(0.02)
            if self.process.poll() is not None and number == signal.SIGKILL:
                self._linger()

    def close(self):
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None and not stream.closed:
                stream.close()
