"""Frames over a socket: whole ones out, from any thread; whole ones in, for one thread."""

import select
import socket
import threading

from agentlet.wire import Decoder, encode

_READ_BYTES = 1 << 18


class FrameSocket(object):
    """Closes its socket with `close`."""

    def __init__(self, opened):
        self.socket = opened
        self._decoder = Decoder()
        self._frames = []
        self._lock = threading.Lock()

    def send(self, header, body=b""):
        """`OSError` when the other side is gone."""
        data = encode(header, body)
        with self._lock:
            self.socket.sendall(data)

    def send_text(self, header, data):
        """A frame that announces bytes of any size, and then those in pieces."""
        self.send(dict(header, size=len(data)))
        for at in range(0, len(data), _READ_BYTES):
            self.send({"t": "piece"}, data[at:at + _READ_BYTES])

    def receive(self):
        """The next frame, ``(header, body)``, or None when there is no further one. `WireError`, `OSError`."""
        while not self._frames:
            data = self.socket.recv(_READ_BYTES)
            if not data:
                return None
            self._frames = self._decoder.feed(data)
        return self._frames.pop(0)

    def comes(self, wait_s):
        """Whether `receive` would return within that time."""
        return bool(self._frames or select.select([self.socket], [], [], wait_s)[0])

    def shut(self):
        """Ends it for both sides, whoever waits."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was first

    def close(self):
        self.socket.close()
