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
from agentlet.output import HeadTail
from agentlet.reactor import Sender, read_available
from agentlet.wire import PROTOCOL, Decoder, WireError, encode

START_LIMIT_S = 60.0
"""For PAM stacks that ask a directory or a token server."""
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

    def greet(self):
        """Tells the child, once it is ready, what this runtime was told in its own hello."""
        if self.state == "ready":
            environment = {name: os.environ.get(name) for name in _LOCALE}
            self.send(dict(self._runtime.lease, t="hello", protocol=PROTOCOL, environment=environment,
                           memory_limit_bytes=self._runtime.memory_limit_bytes,
                           tell_workers=self._runtime.tells_workers))

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
        self.greet()
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
