"""Files of one job, both ways, in a thread of their own: chunks under the same credit as over SSH."""

import threading
from collections import deque

from agentlet.pull.faults import AgentletError, Answered, is_full
from agentlet.pull.retrying import GaveUp
from agentlet.wire import CHUNK_BYTES


class Transfers(object):
    """``spool``: the job's. ``gateway`` is used by this thread alone; ``retry(act)`` repeats what the network spoiled,
    or raises."""

    def __init__(self, child, spool, sizes, cache, gateway, retry):
        self._child = child
        self._spool = spool
        self._sizes = sizes
        self._cache = cache
        self._gateway = gateway
        self._retry = retry
        self._open = {}
        self._work = deque()
        self._wake = threading.Condition()
        self._thread = None
        self._is_busy = False
        self._closed = False

    def take(self, header, body):
        """A `need` or `upload` frame of the runtime. Returns at once."""
        with self._wake:
            self._work.append((header, body))
            self._wake.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="transfers")
            self._thread.daemon = True
            self._thread.start()

    def drain(self, is_wanted):
        """Waits until everything is done that was asked for, as long as ``is_wanted()``."""
        with self._wake:
            while (self._work or self._is_busy) and is_wanted():
                self._wake.wait(0.2)

    def close(self):
        with self._wake:
            self._closed = True
            self._wake.notify()

    def _run(self):
        while True:
            with self._wake:
                while not self._work and not self._closed:
                    self._wake.wait()
                if self._closed:
                    break
                header, body = self._work.popleft()
                self._is_busy = True
            try:
                if header["t"] == "need":
                    self._need(header["digest"], int(header["credit"]), bool(header.get("more")))
                else:
                    self._upload(header, body)
            except (AgentletError, GaveUp, OSError, KeyError) as error:
                self._fail(header, error)
            finally:
                with self._wake:
                    self._is_busy = False
                    self._wake.notify_all()
        for opened, _, _ in self._open.values():
            opened.close()
        self._gateway.close()

    def _need(self, digest, credit, is_more):
        if is_more and digest not in self._open:
            return  # all of it has been sent
        opened, offset, left = self._open.pop(digest, (None, 0, 0))
        if opened is None:
            opened = self._cache.open(digest, self._sizes[digest], self._fetch)
        left, last = left + credit, False
        while left > 0 and not last:
            data = opened.read(min(left, CHUNK_BYTES))
            offset, left = offset + len(data), left - len(data)
            last = offset >= self._sizes[digest]
            self._child.send({"t": "blob", "job": self._spool.job, "digest": digest, "offset": offset - len(data),
                              "last": last}, data)
        if last:
            opened.close()
        else:
            self._open[digest] = (opened, offset, left)

    def _fetch(self, digest, offset, size):
        return self._retry(lambda: self._gateway.blob(digest, offset, size))

    def _upload(self, header, body):
        stream, offset, last = str(header["stream"]), int(header["offset"]), bool(header["last"])
        meta = {name: header.get(name) for name in ("path", "mode", "size")}
        spool = self._spool
        self._retry(lambda: self._gateway.put_upload(spool.job, spool.attempt, stream, offset, last, body, spool.key,
                                                     meta))
        if not last:
            self._child.send({"t": "credit", "job": spool.job, "stream": stream, "bytes": len(body)})

    def _fail(self, header, error):
        if header["t"] == "need":
            self._child.send({"t": "blob_error", "job": self._spool.job, "digest": header["digest"],
                              "message": why_not(error)})
        elif isinstance(error, Answered):
            # Nobody takes the file: there is no frame to say so, and a task must not wait for ever.
            self._child.send({"t": "cancel", "job": self._spool.job})


def why_not(error):
    """Why a file cannot be had, and from whom: as half a sentence."""
    if isinstance(error, KeyError):
        return "the job names no such file"
    if is_full(error):
        return "the disk of the agentlet's cache, on this host, is full: %s" % error.strerror
    if isinstance(error, OSError):
        return "the agentlet's cache, on this host, fails: %s" % error
    return "the server cannot send it: %s" % error
