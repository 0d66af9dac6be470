"""A select loop: file descriptors, timers and child processes of one single-threaded program."""

import os
import select
import signal
import time

CONGESTED_BYTES = 4 * 1024 * 1024
_CHUNKS_AT_ONCE = 16


class Reactor(object):
    """Runs callbacks until `stop`. A callback that raises ends the loop: callbacks handle what they expect."""

    def __init__(self):
        self.outlet = None
        """The `Sender` whose congestion pauses every gated reader."""
        self._readers = {}
        self._senders = {}
        self._timers = []
        self._children = {}
        self._stopped = False
        self._wake_r, self._wake_w = os.pipe()
        for fd in (self._wake_r, self._wake_w):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, ignore_signal)
        signal.set_wakeup_fd(self._wake_w)

    def add_reader(self, fd, callback, gated=False):
        """``callback()`` when ``fd`` can be read; a gated one waits while the outlet is congested."""
        self._readers[fd] = (callback, gated)

    def remove_reader(self, fd):
        self._readers.pop(fd, None)

    def add_sender(self, sender):
        self._senders[sender.fd] = sender

    def remove_sender(self, sender):
        self._senders.pop(sender.fd, None)

    def call_later(self, delay_s, callback):
        """A timer; give it to `cancel_timer` when it is no longer wanted."""
        timer = [time.monotonic() + delay_s, callback]
        self._timers.append(timer)
        return timer

    def cancel_timer(self, timer):
        if timer in self._timers:
            self._timers.remove(timer)

    def on_exit(self, pid, callback):
        """``callback(wait status)`` when this child has ended. Other children are reaped silently."""
        self._children[pid] = callback

    def stop(self):
        self._stopped = True

    def run(self):
        while not self._stopped:
            self._once()

    def _once(self):
        congested = self.outlet is not None and self.outlet.pending > CONGESTED_BYTES
        for sender in list(self._senders.values()):
            sender.flush_new()
        readers = [fd for fd, (_, gated) in self._readers.items() if not (gated and congested)] + [self._wake_r]
        writers = [fd for fd, sender in self._senders.items() if sender.pending]
        readable, writable, _ = select.select(readers, writers, [], self._timeout())
        for fd in writable:
            if fd in self._senders:
                self._senders[fd].flush()
        for fd in readable:
            if fd == self._wake_r:
                self._drain_wakeups()
            elif fd in self._readers:
                self._readers[fd][0]()
        # Children after their pipes: what a child wrote before it ended has been read by then, or is drained later.
        self._reap()
        self._run_timers()

    def _timeout(self):
        if not self._timers:
            return None
        return max(0.0, min(timer[0] for timer in self._timers) - time.monotonic())

    def _run_timers(self):
        now = time.monotonic()
        for timer in [timer for timer in self._timers if timer[0] <= now]:
            if timer in self._timers:
                self._timers.remove(timer)
                timer[1]()

    def _drain_wakeups(self):
        try:
            while os.read(self._wake_r, 512):
                pass
        except BlockingIOError:
            pass

    def _reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            callback = self._children.pop(pid, None)
            if callback is not None:
                callback(status)


class Sender(object):
    """Writes to a descriptor without ever blocking; what does not fit waits in memory. A closed reader is no error.

    What is sent goes out before the reactor waits again: several small frames in one write.
    """

    def __init__(self, reactor, fd):
        self.fd = fd
        self.broken = False
        self._reactor = reactor
        self._chunks = []
        self._has_new = False
        self.pending = 0
        os.set_blocking(fd, False)
        reactor.add_sender(self)

    def send(self, data):
        if self.broken or not data:
            return
        self._chunks.append(data)
        self.pending += len(data)
        self._has_new = True

    def flush_new(self):
        """Writes, if something was sent since the last time: what could not be written then waits for `flush`."""
        if self._has_new:
            self.flush()

    def flush(self):
        """Writes what can be written now."""
        self._has_new = False
        try:
            while self._chunks:
                self._drop(os.writev(self.fd, self._chunks[:_CHUNKS_AT_ONCE]))
        except BlockingIOError:
            pass
        except OSError:
            # The other side is gone; whoever reads from it notices the same and acts on it.
            self.broken, self._chunks, self.pending = True, [], 0

    def _drop(self, written):
        """Forgets the first bytes: they are gone."""
        self.pending -= written
        while written:
            size = len(self._chunks[0])
            if written < size:
                self._chunks[0] = self._chunks[0][written:]
                return
            written -= size
            del self._chunks[0]

    def flush_for(self, limit_s):
        """Writes everything, or gives up after ``limit_s``."""
        end = time.monotonic() + limit_s
        while self.pending and time.monotonic() < end:
            select.select([], [self.fd], [], max(0.0, end - time.monotonic()))
            self.flush()

    def close(self):
        self._reactor.remove_sender(self)
        if not self.broken:
            self.broken = True
        os.close(self.fd)


def read_available(fd, limit=1 << 16):
    """Up to ``limit`` bytes that are there; b"" at the end of the stream; None when there is nothing now."""
    try:
        return os.read(fd, limit)
    except BlockingIOError:
        return None
    except OSError:
        return b""  # a pty's master says EIO when its last user has gone


def ignore_signal(number, frame):
    """Does nothing. For SIGCHLD a handler is needed so that the wakeup descriptor is written to."""
