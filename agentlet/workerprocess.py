"""A forked worker as its supervisor sees it: its pid, its pipes, and what it printed. It serves one leg at a time."""

import os

from agentlet import worker
from agentlet.output import HeadTail
from agentlet.reactor import Sender, read_available
from agentlet.wire import WINDOW_BYTES, Decoder, WireError, encode

_PRINTED_LIMIT_BYTES = 64 * 1024
_PRINTED_SHOWN = 2000
_MAX_UNREAD_BYTES = 4 * WINDOW_BYTES


class WorkerProcess(object):
    """Tells ``leg``: `take(header, body)` for a frame, `disturbed(error)`, and `exited(status)` when it is gone.

    Nobody is told while ``leg`` is None: the worker is spare then, and does nothing.
    """

    def __init__(self, runtime, leg, job, tasks, book_path):
        """Forks; `OSError` when the system has no process."""
        self.leg = leg
        self.has_served = False
        """A leg before this one was served: this leg has a worker that began well."""
        self._reactor = runtime.reactor
        self._decoder = Decoder()
        self._printed = HeadTail(_PRINTED_LIMIT_BYTES)
        self._is_closed = False
        printed_r, printed_w, events_r, events_w, control_r, control_w = pipes = os.pipe() + os.pipe() + os.pipe()
        try:
            self.pid = os.fork()
        except OSError:
            for fd in pipes:
                os.close(fd)
            raise
        if self.pid == 0:
            _serve(runtime, (job, tasks, book_path), (printed_w, events_w, control_r))
        for fd in (printed_w, events_w, control_r):
            os.close(fd)
        self._events_fd, self._printed_fd = events_r, printed_r
        self._control = Sender(self._reactor, control_w)
        for fd in (events_r, printed_r):
            os.set_blocking(fd, False)
        self._reactor.add_reader(events_r, self.read_events, gated=True)
        self._reactor.add_reader(printed_r, self.read_printed)
        self._reactor.on_exit(self.pid, self._exited)

    def hand_over(self, leg, job, tasks, book_path):
        """Gives a spare worker its next job."""
        frame = encode({"t": "job", "job": job, "tasks": tasks, "book": book_path})
        self.leg, self.has_served = leg, True
        self._control.send(frame)

    def send(self, header, body):
        """A frame for the running task; `WireError` when far more comes than it asked for."""
        if self._control is None:
            return
        if self._control.pending > _MAX_UNREAD_BYTES:
            raise WireError("More was sent than was asked for")
        self._control.send(encode(header, body))

    def hang_up(self):
        """The running task may end, no other begins; a spare worker exits."""
        if self._control is not None:
            self._control.close()
            self._control = None

    def close(self):
        """Gives up its pipes; whatever it still does, nobody hears of it."""
        self.leg = None
        self.hang_up()
        if not self._is_closed:
            self._is_closed = True
            for fd in (self._events_fd, self._printed_fd):
                self._reactor.remove_reader(fd)
                os.close(fd)

    def read_events(self):
        """Hands on what there is to read; what was read, or None when there was nothing."""
        data = None if self._is_closed else read_available(self._events_fd)
        if not data:
            if data is not None:
                self._reactor.remove_reader(self._events_fd)
            return None
        try:
            for header, body in self._decoder.feed(data):
                if self.leg is not None:
                    self.leg.take(header, body)
        except WireError as error:
            if self.leg is not None:
                self.leg.disturbed(error)
        return data

    def read_printed(self):
        """Keeps what a module printed; what was read, or None when there was nothing."""
        data = None if self._is_closed else read_available(self._printed_fd)
        if data:
            self._printed.add(data)
        elif data is not None:
            self._reactor.remove_reader(self._printed_fd)
        return data or None

    def printed_note(self, no_log):
        """A warning about what was printed since the last one, or None."""
        while self.read_printed():
            pass
        printed, self._printed = self._printed, HeadTail(_PRINTED_LIMIT_BYTES)
        if not printed.size:
            return None
        if no_log:
            return "The module printed %d bytes, not shown here since the task has no_log" % printed.size
        return "The module printed: %s" % printed.text()[:_PRINTED_SHOWN].rstrip("\n")

    def _exited(self, status):
        self.pid = None
        while self.read_events():
            pass
        if self.leg is not None:
            self.leg.exited(status)
        else:
            self.close()


def _serve(runtime, first, pipes):
    """The life of the fork. Never returns."""
    status = 1
    try:
        worker.serve(first, pipes, runtime.memory_limit_bytes, runtime.install_source)
        status = 0
    except worker.CarrierLost:
        status = 0
    except BaseException:  # nothing may climb into the supervisor's code from here; the trace goes to fd 2
        import traceback
        os.write(2, traceback.format_exc().encode("utf-8", "backslashreplace"))
    finally:
        os._exit(status)
