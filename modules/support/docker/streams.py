"""The Engine's stream of a container's output: frames of one stream number, three zeros, a length and the bytes."""

import struct


def demultiplexed(answer, is_tty, limit_bytes):
    """(stdout, stderr) as text, up to the limit each; a terminal has one stream without frames. Closes the answer."""
    streams = {1: bytearray(), 2: bytearray()}
    try:
        if is_tty:
            _take(answer, streams[1], limit_bytes, None)
        else:
            _frames(answer, streams, limit_bytes)
    finally:
        answer.close()
    return tuple(bytes(streams[number]).decode("utf-8", "surrogateescape") for number in (1, 2))


def _frames(answer, streams, limit_bytes):
    while True:
        head = _exactly(answer, 8)
        if head is None:
            return
        number, size = struct.unpack("!B3xI", head)
        _take(answer, streams.get(number, streams[1]), limit_bytes, size)


def _take(answer, kept, limit_bytes, size):
    """Reads ``size`` bytes, or all, and keeps what is within the limit."""
    while size is None or size > 0:
        data = answer.read(65536 if size is None else min(size, 65536))
        if not data:
            return
        kept += data[:max(0, limit_bytes - len(kept))]
        size = None if size is None else size - len(data)


def _exactly(answer, size):
    data = b""
    while len(data) < size:
        more = answer.read(size - len(data))
        if not more:
            return None
        data += more
    return data
