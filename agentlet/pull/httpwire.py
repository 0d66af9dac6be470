"""HTTP/1.1 as far as one client of one gateway needs it: bytes in, bytes out; no sockets.

The standard library's client costs 2 MiB of memory for e-mail's rules of headers. This one knows a reply with
``Content-Length``, with chunks, or without a body; anything else, and any reply that ends early, is `BadReply`.
"""

MAX_HEAD_BYTES = 64 * 1024


class BadReply(Exception):
    """What came is no whole HTTP reply."""


class Reply(object):
    """``headers``: by their names in small letters."""

    def __init__(self, status, headers, body, keeps_alive):
        self.status = status
        self.headers = headers
        self.body = body
        self.keeps_alive = keeps_alive


def request(method, target, host, headers, body):
    """The bytes of a request. A header's value must not hold a line's end: ``ValueError``."""
    lines = ["%s %s HTTP/1.1" % (method, target), "Host: " + host, "Accept-Encoding: identity"]
    lines += ["%s: %s" % header for header in headers]
    if body or method in ("POST", "PUT"):
        lines.append("Content-Length: %d" % len(body))
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1 or " " in target:
        raise ValueError("A request must not hold a line's end")
    return text.encode("latin-1") + b"\r\n\r\n" + body


class ReplyReader(object):
    """Takes bytes as they come until the reply is whole; at most ``limit`` bytes of body."""

    def __init__(self, limit):
        self._limit = limit
        self._buffer = b""
        self._head = None
        self._parts = []
        self._size = 0
        self.begun = False

    def feed(self, data):
        """The `Reply` once it is whole, else None. Empty ``data`` is the end of the stream."""
        if not data:
            raise BadReply("The connection ended in the middle of a reply" if self.begun else
                           "The connection ended without a reply")
        self.begun = True
        self._buffer += data
        while self._head is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > MAX_HEAD_BYTES:
                    raise BadReply("The head of the reply is too large")
                return None
            status, headers = _parse_head(self._buffer[:end])
            self._buffer = self._buffer[end + 4:]
            if status >= 200:
                self._head = status, headers
        return self._read_body(*self._head)

    def _read_body(self, status, headers):
        if status in (204, 304):
            return self._whole(b"")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks()
        length = headers.get("content-length", "")
        if not length.isdigit():
            raise BadReply("The reply does not say how long it is")
        if int(length) > self._limit:
            raise BadReply("The reply has %s bytes; at most %d were expected" % (length, self._limit))
        return self._whole(self._buffer) if len(self._buffer) >= int(length) else None

    def _read_chunks(self):
        while True:
            end = self._buffer.find(b"\r\n")
            if end < 0:
                return None
            try:
                size = int(self._buffer[:end].split(b";")[0], 16)
            except ValueError:
                raise BadReply("A chunk has no size")
            if size < 0 or self._size + size > self._limit:
                raise BadReply("The reply is larger than the %d bytes expected" % self._limit)
            if len(self._buffer) < end + 2 + size + 2:
                return None
            if self._buffer[end + 2 + size:end + 4 + size] != b"\r\n":
                raise BadReply("A chunk has no end")
            self._parts.append(self._buffer[end + 2:end + 2 + size])
            self._size += size
            self._buffer = self._buffer[end + 4 + size:]
            if size == 0:
                return self._whole(b"".join(self._parts))

    def _whole(self, body):
        status, headers = self._head
        length = headers.get("content-length", "")
        # More than was announced would be taken for the next reply.
        exact = not length.isdigit() or len(body) == int(length)
        body = body if exact else body[:int(length)]
        return Reply(status, headers, body, exact and headers.get("connection", "").lower() != "close")


def _parse_head(data):
    lines = data.decode("latin-1").split("\r\n")
    words = lines[0].split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        raise BadReply("This is no HTTP reply: %r" % lines[0][:60])
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or not name:
            raise BadReply("A header has no name: %r" % line[:60])
        if name in headers and name in ("content-length", "transfer-encoding"):
            raise BadReply("The reply says twice how long it is")
        headers[name] = value.strip()
    return int(words[1]), headers
