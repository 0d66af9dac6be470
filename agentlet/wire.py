"""Frames between controller and runtime, and between runtimes: bytes in, bytes out; no sockets, no files.

A frame is ``!II`` (length of header, length of body), a JSON header in ASCII, a raw body. Whatever the other side
sends is bounded before it is parsed: header 8 MiB, body 1 MiB, nesting 100. Anything else is a `WireError`, after
which the stream is of no use any more. Nothing is pickled, and bulk data is never base64.

The canonical bytes of a header are those of `header_bytes`: decoding and encoding again gives the same bytes. Both
sides compute the digest of a job's events from them as they were sent (`EventDigest`).
"""

import json
import struct

from agentlet.digests import sha256

PROTOCOL = 1
MAX_HEADER_BYTES = 8 * 1024 * 1024
MAX_BODY_BYTES = 1024 * 1024
MAX_NESTING = 100
CHUNK_BYTES = 256 * 1024
"""How much of a file travels in one frame."""
WINDOW_BYTES = 1024 * 1024
"""How much of a file may be under way without having been asked for."""

_LENGTHS = struct.Struct("!II")
_NO_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))


def _no_constant(name):
    # type: (str) -> None
    raise ValueError("%s is not JSON" % name)


_from_json = json.JSONDecoder(parse_constant=_no_constant).decode
_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class WireError(Exception):
    """The bytes are not frames, or a frame is larger or deeper than either side accepts."""


def header_bytes(header):
    # type: (dict) -> bytes
    """The canonical JSON of a header: ASCII, no spaces, order kept, lone surrogates escaped; NaN is refused."""
    try:
        return _to_json(header).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise WireError("This header cannot be written as JSON: %s" % error)


def encode(header, body=b""):
    # type: (dict, bytes) -> bytes
    """One frame. `WireError` when it would exceed what the other side accepts."""
    return frame(header_bytes(header), body)


def frame(head, body=b""):
    # type: (bytes, bytes) -> bytes
    """`encode` for the canonical bytes of a header."""
    if len(head) > MAX_HEADER_BYTES:
        raise WireError("A header of %d bytes is too large; the limit is %d" % (len(head), MAX_HEADER_BYTES))
    if len(body) > MAX_BODY_BYTES:
        raise WireError("A body of %d bytes is too large; the limit is %d" % (len(body), MAX_BODY_BYTES))
    _check_nesting(head)
    return _LENGTHS.pack(len(head), len(body)) + head + body


class Decoder(object):
    """Takes bytes as they come and gives back whole frames. Holds at most one incomplete frame."""

    def __init__(self):
        # type: () -> None
        self._buffer = bytearray()
        self._broken = False

    def feed(self, data):
        # type: (bytes) -> list
        """All frames that are complete by now, in order, as ``(header, body)``; `WireError` on anything else."""
        return [(header, body) for header, body, _ in self.frames(data)]

    def frames(self, data):
        # type: (bytes) -> list
        """`feed`, with the header's bytes as they came: ``(header, body, head)``."""
        if self._broken:
            raise WireError("The stream was broken before")
        self._buffer += data
        try:
            return self._take()
        except WireError:
            self._broken = True
            self._buffer = bytearray()
            raise

    @property
    def pending(self):
        # type: () -> int
        """How many bytes of an incomplete frame are held: nonzero at the end of a stream means it was cut."""
        return len(self._buffer)

    def _take(self):
        # type: () -> list
        frames, start, size = [], 0, len(self._buffer)
        while size - start >= _LENGTHS.size:
            head_size, body_size = _LENGTHS.unpack_from(self._buffer, start)
            _check_sizes(head_size, body_size)
            middle = start + _LENGTHS.size + head_size
            end = middle + body_size
            if size < end:
                break
            head = bytes(self._buffer[start + _LENGTHS.size:middle])
            frames.append((parse_header(head), bytes(self._buffer[middle:end]), head))
            start = end
        if start:
            del self._buffer[:start]
        return frames


def parse_header(head):
    # type: (bytes) -> dict
    """The header as a dict with a string under ``t``; `WireError` for anything else."""
    _check_nesting(head)
    try:
        header = _from_json(head.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise WireError("A header is not JSON: %s" % error)
    if not isinstance(header, dict) or not isinstance(header.get("t"), str):
        raise WireError("A header is not a JSON object that names its type")
    return header


class EventDigest(object):
    """SHA-256 over the headers of a job's events, as they were sent, in order."""

    def __init__(self):
        # type: () -> None
        self._hash = sha256()
        self.count = 0

    def add(self, head):
        # type: (bytes) -> None
        self._hash.update(head)
        self.count += 1

    def hexdigest(self):
        # type: () -> str
        return self._hash.hexdigest()


def _check_sizes(head_size, body_size):
    # type: (int, int) -> None
    if not 0 < head_size <= MAX_HEADER_BYTES:
        raise WireError("A frame announces a header of %d bytes; the limit is %d" % (head_size, MAX_HEADER_BYTES))
    if body_size > MAX_BODY_BYTES:
        raise WireError("A frame announces a body of %d bytes; the limit is %d" % (body_size, MAX_BODY_BYTES))


def _check_nesting(head):
    # type: (bytes) -> None
    # Counting brackets is cheap and settles nearly every header; only a suspect one is walked.
    if head.count(b"{") + head.count(b"[") <= MAX_NESTING:
        return
    if _nesting(head) > MAX_NESTING:
        raise WireError("A header is nested deeper than %d" % MAX_NESTING)


def _nesting(head):
    # type: (bytes) -> int
    deepest = depth = 0
    # Outside of strings: drop escaped characters first, then every string; of the rest only the brackets are walked.
    outside = head.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2]
    for byte in b"".join(outside).translate(None, _NO_BRACKETS):
        if byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest
