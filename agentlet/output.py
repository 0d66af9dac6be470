"""Keeps what a command prints within bounds: the head, the tail, and a digest of the whole, in flat memory."""

from agentlet.wire import sha256

LIMIT_BYTES = 4 * 1024 * 1024


class HeadTail(object):
    """Takes bytes for ever and keeps at most ``limit`` of them: the first half and the last half."""

    def __init__(self, limit=LIMIT_BYTES):
        # type: (int) -> None
        self._half = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._hash = sha256()
        self.size = 0

    def add(self, data):
        # type: (bytes) -> None
        self.size += len(data)
        self._hash.update(data)
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > 2 * self._half:
            # Cut in large steps: deleting a little at every read would move the whole tail each time.
            del self._tail[:-self._half]

    @property
    def truncated(self):
        # type: () -> bool
        return self.size > 2 * self._half

    def digest(self):
        # type: () -> str
        """The SHA-256 of all that came, in hex."""
        return self._hash.hexdigest()

    def data(self):
        # type: () -> bytes
        """What was kept; where something is missing, a line says how much, and the SHA-256 of the whole."""
        if not self.truncated:
            return bytes(self._head + self._tail)
        tail = self._tail[-self._half:]
        left_out = self.size - len(self._head) - len(tail)
        notice = "\n[... %d of %d bytes left out; SHA-256 of the whole: %s ...]\n"
        return bytes(self._head) + (notice % (left_out, self.size, self.digest())).encode() + bytes(tail)

    def text(self):
        # type: () -> str
        """`data` as text: UTF-8, every other byte as a lone surrogate, so that nothing is lost."""
        return self.data().decode("utf-8", "surrogateescape")
