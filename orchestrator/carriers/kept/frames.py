"""What a run and the keeper of a line say to each other over their Unix socket. Pure.

A connection to the socket is either the run's hold on the line (`Kind.ATTACH`) or one channel of it (`Kind.OPEN`), so
the sockets' own flow control is the channels'. A frame is a kind, the length of its body, and the body.
"""

from __future__ import annotations

import struct
from enum import IntEnum

HEAD = struct.Struct("!BI")
MAX_BODY = 1 << 18
"""Longer data travels as several frames."""


class Kind(IntEnum):
    # what a run says
    ATTACH = 1
    """The line is in use for as long as this connection is there."""
    RETIRE = 2
    """Lend it to nobody else, and close it when the last who has it is gone."""
    OPEN = 3
    """Open a channel; the body is the command."""
    INPUT = 4
    END_OF_INPUT = 5
    SIGNAL = 6
    """Either way: the body is the signal's name without SIG."""
    # what the keeper says
    CONFIRMED = 10
    """The host has opened a channel, so the line is alive; the command is asked for now, and not before."""
    STARTED = 11
    REFUSED = 12
    """The host does not start the command; the body is its reason."""
    UNUSABLE = 13
    """No channel was opened, and nothing was asked for: a line of one's own is needed. The body says why."""
    OUTPUT = 14
    ERRORS = 15
    STATUS = 16
    """The exit status, as four bytes."""
    CLOSED = 17
    LOST = 18
    """The line to the host is gone; the body says why."""


KINDS = {int(kind): kind for kind in Kind}


class FrameError(Exception):
    """What came is no frame."""


def encode(kind: Kind, body: bytes = b"") -> bytes:
    """One frame; as many as it takes when the body is longer than a frame may be."""
    if len(body) <= MAX_BODY:
        return HEAD.pack(kind, len(body)) + body
    return b"".join(encode(kind, body[start : start + MAX_BODY]) for start in range(0, len(body), MAX_BODY))


class Decoder:
    """Takes bytes as they come, gives frames."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting = b""

    def feed(self, data: bytes) -> list[tuple[Kind, bytes]]:
        """The frames that are whole by now. Raises `FrameError`; nothing can be read behind one."""
        data = self._waiting + data
        frames = []
        start, end = 0, len(data)
        while end - start >= HEAD.size:
            kind, length = HEAD.unpack_from(data, start)
            if kind not in KINDS or length > MAX_BODY:
                raise FrameError(f"kind {kind}, {length} bytes")
            if end - start < HEAD.size + length:
                break
            start += HEAD.size
            frames.append((KINDS[kind], data[start : start + length]))
            start += length
        self._waiting = data[start:]
        return frames
