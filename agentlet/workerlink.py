"""The worker's end of the pipes to its supervisor: frames out, and what comes back for the task that asked."""

import os
import select

from agentlet.wire import CHUNK_BYTES, WINDOW_BYTES, Decoder, encode
from modules.api import Failed


class Link(object):
    """What `agentlet.blobs` calls a link, for one job after the other."""

    def __init__(self, job, install_source, out_fd, control_fd):
        self.task = None
        self.has_uploaded = False
        """Whether the task has sent a file: nobody says when it has arrived."""
        self._job = job
        self._install_source = install_source
        self._out = out_fd
        self._control = control_fd
        self._decoder = Decoder()
        self._frames = []
        self._closed = False
        self._credit = {}
        self._streams = 0

    def next_job(self):
        """Waits for the supervisor's next `job` frame; None when it wants no more of this worker."""
        while not self._closed:
            for index, (header, _) in enumerate(self._frames):
                if header["t"] == "job":
                    # What came before it was for the job before: credit not needed, a blob not wanted any more.
                    del self._frames[:index + 1]
                    self._job, self.task, self._credit = header["job"]["id"], None, {}
                    return header
            self._frames = []
            self._receive()
        return None

    def event(self, kind, **fields):
        if kind == "temp":
            return self.send(dict(fields, t="temp"))
        fields.setdefault("task", self.task)
        self.send(dict({"t": "event", "job": self._job, "kind": kind}, **fields))

    def send(self, header, body=b""):
        data = memoryview(encode(header, body))
        while len(data):
            data = data[os.write(self._out, data):]

    def lost(self):
        """True when the supervisor has closed the control pipe. Does not wait."""
        while not self._closed and select.select([self._control], [], [], 0)[0]:
            self._receive()
        return self._closed

    def blob_chunks(self, ref):
        """Asks for a blob and yields it, granting credit as it is consumed."""
        digest = ref["blob"]
        self.send({"t": "need", "job": self._job, "digest": digest, "credit": WINDOW_BYTES})
        offset, last, body = 0, False, b""
        while not last:
            body, last = self._next_chunk(digest, offset)
            offset += len(body)
            try:
                yield body
            except GeneratorExit:
                return self._drop_rest(digest, offset, last)
            if not last:
                self._grant(digest, len(body))

    def _drop_rest(self, digest, offset, last):
        """A transfer cannot be called off: what is not wanted any more is taken and dropped."""
        while not last:
            self._grant(digest, CHUNK_BYTES)
            body, last = self._next_chunk(digest, offset)
            offset += len(body)

    def _grant(self, digest, credit):
        """``more``: the last chunk may be on its way by now, and this is no wish for all of it again."""
        self.send({"t": "need", "job": self._job, "digest": digest, "credit": credit, "more": True})

    def _next_chunk(self, digest, offset):
        header, body = self._await(lambda h: h.get("digest") == digest and h["t"] in ("blob", "blob_error"))
        if header["t"] == "blob_error":
            raise Failed("blob_unavailable", "The file cannot be had: %s" % header.get("message"))
        if header.get("offset") != offset:
            raise Failed("blob_damaged", "Blob %s came out of order" % digest)
        return body, bool(header.get("last"))

    def open_upload(self, path, size, mode):
        self._streams += 1
        self.has_uploaded = True
        stream = "%s:%d:%d" % (self.task, os.getpid(), self._streams)
        self._credit[stream] = WINDOW_BYTES
        self._upload = {"size": size, "mode": mode, "path": path}
        return stream

    def send_chunk(self, stream, offset, data, last):
        assert len(data) <= CHUNK_BYTES
        while self._credit[stream] < len(data):
            header, _ = self._await(lambda h: h["t"] == "credit" and h.get("stream") == stream)
            self._credit[stream] += int(header.get("bytes", 0))
        self._credit[stream] -= len(data)
        self.send(dict({"t": "upload", "job": self._job, "stream": stream, "offset": offset, "last": bool(last)},
                       **self._upload), data)

    def _await(self, wanted):
        while True:
            for index, (header, body) in enumerate(self._frames):
                if wanted(header):
                    del self._frames[index]
                    return header, body
            if self._closed:
                raise Failed("carrier_lost", "The connection was lost in the middle of a file")
            self._receive()

    def _receive(self):
        data = os.read(self._control, 1 << 18)
        for header, body in self._decoder.feed(data):
            if header["t"] == "source":
                self._install_source(header, body)
            else:
                self._frames.append((header, body))
        self._closed = not data
