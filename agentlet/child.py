"""A runtime of another user, below this one: started once per identity, fed with the same bundle, spoken to in frames.

It obeys the same rules, so that a cancelled job's processes are killed by a runtime that may kill them. When this
runtime's carrier is lost, its children are told in the same way: their stdin ends.
"""

import fcntl
import os
import pty
import sys
import termios

from agentlet import become, launch
from agentlet.execute import failure
from agentlet.output import HeadTail
from agentlet.reactor import Sender, read_available
from agentlet.wire import PROTOCOL, Decoder, WireError, encode
from agentlet.worker import ENDS_JOB

START_LIMIT_S = 60.0
"""For PAM stacks that ask a directory or a token server."""
CANCEL_LIMIT_S = 30.0
_BEFORE_MARKER_BYTES = 64 * 1024
_LOCALE = ("LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES")


class Child(object):
    """``state``: starting, ready or over. Legs wait with `when_ready`; afterwards frames go to the leg of their job."""

    def __init__(self, runtime, identity):
        self.identity = identity
        self.state = "starting"
        self.fault = None
        self._runtime = runtime
        self._reactor = runtime.reactor
        self._waiting = []
        self.legs = {}
        self._sources_sent = 0
        self._start(with_tty=identity.method == "su" or identity.secret is not None)

    # For legs

    def when_ready(self, leg):
        """Calls ``leg.ready()`` or ``leg.refused(fault)``, now or later."""
        if self.state == "ready":
            leg.ready()
        elif self.state == "over":
            leg.refused(self.fault)
        else:
            self._waiting.append(leg)

    def send(self, header, body=b""):
        if self._out is not None:
            self._out.send(encode(header, body))

    def send_sources(self):
        """Modules this child has not got yet."""
        for header, body in self._runtime.source_frames[self._sources_sent:]:
            self.send(header, body)
        self._sources_sent = len(self._runtime.source_frames)

    def hang_up(self):
        """Ends the child's stdin: what runs may end, then it exits."""
        if self._out is not None:
            if self._out.pending:
                self._out.flush_for(1.0)
            self._out.close()
            self._out = None
        if self.state == "starting":
            self._fail(become.Fault("become_failed", "The connection was lost meanwhile", None))

    # Starting

    def _start(self, with_tty):
        self._with_tty = with_tty
        self._marker = os.urandom(16).hex()
        self._prompt = "[orch %s] password: " % os.urandom(8).hex()
        self._asked = 0
        self._before = b""
        self._text = HeadTail(_BEFORE_MARKER_BYTES)
        self._seen = ""
        self._decoder = Decoder()
        self._out = self._tty = self._slave = self._errors = self._pid = None
        fault = become.refuse(self.identity)
        password = self._password()
        if fault is None and self.identity.secret is not None and password is None:
            fault = become.Fault("become_password_missing", "The become password was not handed over", None)
        if fault is not None:
            self._timer = None
            self._data = None
            return self._fail(fault)
        self._timer = self._reactor.call_later(START_LIMIT_S, self._late)
        self._spawn(password is not None)

    def _password(self):
        return self._runtime.secrets.get(self.identity.secret) if self.identity.secret is not None else None

    def _spawn(self, has_password):
        payload = self._runtime.payload
        candidates = (sys.executable,) + launch.INTERPRETERS
        argv = become.argv(self.identity, self._prompt, self._marker, len(payload), candidates, has_password)
        in_r, in_w = os.pipe()
        out_r, out_w = os.pipe()
        err_r, err_w = os.pipe()
        master, slave = pty.openpty() if self._with_tty else (None, None)
        pid = os.fork()
        if pid == 0:
            _exec(argv, in_r, out_w, err_w, slave, self.identity.method == "su")
        for fd in (in_r, out_w, err_w):
            os.close(fd)
        # The slave stays open here: while nobody has it open, reading the master is an error.
        self._pid, self._data, self._errors, self._tty, self._slave = pid, out_r, err_r, master, slave
        self._out = Sender(self._reactor, in_w)
        self._watch(out_r, self._read_data, gated=True)
        self._watch(err_r, self._read_errors)
        if master is not None:
            self._watch(master, self._read_tty)
        self._reactor.on_exit(pid, self._exited)
        self._out.send(payload)

    def _watch(self, fd, callback, gated=False):
        os.set_blocking(fd, False)
        self._reactor.add_reader(fd, callback, gated)

    def _read_tty(self):
        data = read_available(self._tty)
        if data is None:
            return
        if not data:
            return self._reactor.remove_reader(self._tty)
        self._text.add(data)
        self._seen = (self._seen + data.decode("utf-8", "replace"))[-2000:]
        if self.state == "starting" and become.prompt_seen(self._seen, self._prompt, self.identity.prompts):
            self._answer()

    def _answer(self):
        self._seen = ""
        self._asked += 1
        password = self._password()
        if password is None:
            return self._fail(become.Fault(
                "become_password_missing", "%s asks for a password to become %s" % self.identity[:2],
                "Give it with -K, or ansible_become_password"))
        if self._asked > 1:
            return self._fail(become.meaning(self.identity, "", self._runtime.user, self._asked))
        os.write(self._tty, password.encode("utf-8", "surrogateescape") + b"\n")
        return None

    def _read_errors(self):
        data = read_available(self._errors)
        if data:
            self._text.add(data)
        elif data is not None:
            self._reactor.remove_reader(self._errors)
        return data

    def _read_data(self):
        data = read_available(self._data)
        if data is None:
            return None
        if not data:
            self._reactor.remove_reader(self._data)
            return None
        try:
            self._take(data)
        except WireError as error:
            self._fail(become.Fault("become_failed", "The runtime as %s sent no frames: %s"
                                    % (self.identity.user, error), None))
        return data

    def _take(self, data):
        if self._before is not None:
            self._before += data
            found = launch.parse(self._before, self._marker)
            if found is None:
                if len(self._before) > _BEFORE_MARKER_BYTES:
                    raise WireError("64 KiB came before the marker")
                return
            self._before, data = None, found[2]
            if found[0] != "ok":
                return self._fail(become.Fault("become_no_python", "%s finds no Python 3.6 or later"
                                               % self.identity.user, None))
        for header, body in self._decoder.feed(data):
            self._handle(header, body)

    def _handle(self, header, body):
        if header["t"] == "ready":
            self._ready()
        elif header["t"] == "fault":
            self._fail(become.Fault("become_failed", "The runtime as %s gave up: %s"
                                    % (self.identity.user, header.get("message")), None))
        elif header.get("job") in self.legs:
            self.legs[header["job"]].handle(header, body)

    def _ready(self):
        self.state = "ready"
        self._reactor.cancel_timer(self._timer)
        environment = {name: os.environ.get(name) for name in _LOCALE}
        self.send({"t": "hello", "protocol": PROTOCOL, "memory_limit_bytes": self._runtime.memory_limit_bytes,
                   "environment": environment})
        waiting, self._waiting = self._waiting, []
        for leg in waiting:
            leg.ready()

    def _late(self):
        self._fail(become.Fault(
            "become_timeout", "%s to %s took longer than %d s" % (self.identity[:2] + (START_LIMIT_S,)),
            "Does it wait for something else than a password?"))

    # Its end

    def _exited(self, status):
        self._pid = None
        while self._data is not None and self._read_data():
            pass
        while self._errors is not None and self._read_errors():
            pass
        if self._tty is not None and self.state == "starting":
            self._read_tty()
        if self.state == "over":
            return self._release()
        text = self._text.text().replace(self._prompt, "")
        if self.state == "ready":
            return self._fail(become.Fault("become_lost", "The runtime as %s ended: %s"
                                           % (self.identity.user, text[-500:].strip() or "no word of why"), None))
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 127 and not self._asked and "orch: cannot start" in text:
            return self._fail(become.Fault("become_missing", "There is no %s on this host"
                                           % (self.identity.exe or self.identity.method), "Install it, or use another "
                                           "become_method"))
        fault = become.meaning(self.identity, text, self._runtime.user, self._asked)
        if fault.code == "become_tty_required" and not self._with_tty:
            self._release()
            return self._start(with_tty=True)
        return self._fail(fault)

    def _fail(self, fault):
        if self.state == "over":
            return
        self.state, self.fault = "over", fault
        self._reactor.cancel_timer(self._timer)
        if self._out is not None:
            self._out.close()
            self._out = None
        # Hanging up the terminal ends sudo or su at its prompt; one without a terminal reads the end of its stdin.
        self._close_tty()
        waiting, self._waiting = self._waiting, []
        for leg in waiting:
            leg.refused(fault)
        for leg in list(self.legs.values()):
            leg.broken(fault)
        if self._pid is None:
            self._release()
        self._runtime.child_over(self)

    def _close_tty(self):
        for fd in (self._tty, self._slave):
            if fd is not None:
                self._reactor.remove_reader(fd)
                os.close(fd)
        self._tty = self._slave = None

    def _release(self):
        self._close_tty()
        for fd in (self._data, self._errors):
            if fd is not None:
                self._reactor.remove_reader(fd)
                os.close(fd)
        if self._out is not None:
            self._out.close()
        self._data = self._errors = self._out = None
        self._reactor.cancel_timer(self._timer)


class ChildLeg(object):
    """A leg of a job in the hands of a child runtime. Same interface as `workerleg.WorkerLeg`."""

    def __init__(self, runtime, job, tasks, child):
        self._runtime = runtime
        self._job = job
        self._tasks = tasks
        self._child = child
        self._done = 0
        self._running = None
        self._failed = self._stop = self._over = self._cancelled = False
        self._timer = None

    def start(self):
        self._child.when_ready(self)

    def ready(self):
        if self._over:
            return
        self._child.legs[self._job.id] = self
        self._child.send_sources()
        tasks = [dict(task, become=None) for task in self._tasks]
        self._child.send(dict(self._job.header, t="job", tasks=tasks, deadline_s=self._job.left_s()))

    def refused(self, fault):
        """The other user cannot be had: every task of this leg fails that would have been tried."""
        while self._done < len(self._tasks) and not self._stop and not self._over:
            self._report("failed", fault)
        self._end("failed")

    def broken(self, fault):
        """The child is gone in the middle: the running task has no result and never will."""
        if self._running is not None:
            self._report("interrupted", fault)
        self._stop = True
        self._end("failed")

    def handle(self, header, body):
        kind = header.get("kind") if header["t"] == "event" else header["t"]
        if kind == "finished":
            return self._end(header["status"] if header["status"] in ("ok", "cancelled", "lost") else "failed")
        event = {name: value for name, value in header.items() if name not in ("attempt", "seq")}
        if kind == "started":
            self._running = self._tasks[self._done]
        elif kind == "result":
            self._running = None
            self._count(header["status"])
        if header["t"] == "event":
            return self._job.emit(event)
        return self._job.relay(header, body)

    def send(self, header, body):
        self._child.send(header, body)

    def cancel(self):
        self._cancelled = True
        if self._child.state != "ready":
            return self._end("cancelled")
        self._child.send({"t": "cancel", "job": self._job.id})
        self._timer = self._runtime.reactor.call_later(CANCEL_LIMIT_S, self._unheard)
        return None

    def expire(self):
        self._stop = True
        if self._child.state != "ready":
            self.refused(become.Fault("timeout", "The job's deadline came before %s was ready"
                                      % self._child.identity.method, None))

    def lose(self):
        if self._child.state != "ready":
            self._end("lost")

    def _unheard(self):
        self._timer = None
        if self._running is not None:
            self._report("cancelled", become.Fault(
                "cancel_unconfirmed", "The runtime as %s did not confirm that the task was stopped"
                % self._child.identity.user, "Look for its processes on the host"))
        self._end("cancelled")

    def _report(self, status, fault):
        task = self._tasks[self._done]
        self._running = None
        result = failure(fault.code, fault.message, fault.hint)
        result.update(status=status, started=self._runtime.time(), duration_s=0.0, replayed=False)
        self._job.emit(dict({"t": "event", "job": self._job.id, "kind": "result", "task": task["id"]}, **result))
        self._count(status)

    def _count(self, status):
        task = self._tasks[min(self._done, len(self._tasks) - 1)]
        self._done += 1
        if status in ENDS_JOB:
            self._failed = True
            self._stop = self._stop or not task.get("continue_on_failure")

    def _end(self, status):
        if self._over:
            return
        self._over = True
        self._runtime.reactor.cancel_timer(self._timer)
        self._child.legs.pop(self._job.id, None)
        self._job.leg_over("cancelled" if self._cancelled else status, self._stop or status in ("cancelled", "lost"))


def _exec(argv, data_in, data_out, errors, slave, data_beside):
    """In the fork: own session, the terminal as its controlling one, pipes in their places, then the program."""
    try:
        os.setsid()
        if slave is not None:
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        # Out of the way first: the numbers wanted may be in use.
        moved = [os.dup(fd) if fd > 9 else fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (data_in, data_out, errors)]
        terminal = fcntl.fcntl(slave, fcntl.F_DUPFD, 10) if slave is not None else None
        places = [terminal, terminal, terminal, moved[0], moved[1]] if data_beside else moved
        for number, fd in enumerate(places):
            os.dup2(fd, number)
        os.closerange(len(places), 1024)
        os.environ["LC_ALL"] = "C"  # so that prompts and messages are the ones we know; the child is told the real one
        os.execvp(argv[0], argv)
    except OSError as error:
        os.write(2, ("orch: cannot start %s: %s\n" % (argv[0], error.strerror)).encode("utf-8", "replace"))
    finally:
        os._exit(127)
