"""Files over the wire: blobs to the host and uploads from it, in chunks, within credit, in flat memory."""

from __future__ import annotations

import os
from typing import Any

from agentlet import wire
from orchestrator.carriers.base import UploadSink
from orchestrator.errors import ProtocolError

MAX_CREDIT_BYTES = 1 << 30
"""More than a host may ever ask for at once: it grants as it writes."""


class BlobFeed:
    """One blob on its way to the host. ``credit`` is what the host still takes."""

    __slots__ = ("_data", "_fd", "_offset", "_size", "credit", "digest", "done", "job_id")

    def __init__(self, job_id: str, digest: str, source: str | os.PathLike[str] | bytes) -> None:
        """Opens the source; OSError when it cannot be read."""
        self.job_id = job_id
        self.digest = digest
        self.credit = 0
        self.done = False
        self._offset = 0
        self._fd = -1
        self._data = b""
        if isinstance(source, bytes):
            self._data = source
            self._size = len(source)
        else:
            self._fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
            self._size = os.fstat(self._fd).st_size

    @property
    def ready(self) -> bool:
        return not self.done and (self.credit > 0 or self._size == 0)

    def grant(self, credit: int) -> None:
        self.credit = min(self.credit + credit, MAX_CREDIT_BYTES)

    def next_frame(self) -> bytes:
        """The next chunk, within credit; ``blob_error`` when the file shrank or cannot be read any more."""
        want = min(wire.CHUNK_BYTES, self.credit, self._size - self._offset)
        try:
            chunk = self._read(want)
        except OSError as exc:
            return self._error(f"{exc.strerror or exc}")
        if len(chunk) < want:
            return self._error("the file became shorter while it was sent")
        header = {"t": "blob", "job": self.job_id, "digest": self.digest, "offset": self._offset}
        self._offset += len(chunk)
        self.credit -= len(chunk)
        header["last"] = last = self._offset >= self._size
        if last:
            self.close()
        return wire.encode(header, chunk)

    def _read(self, want: int) -> bytes:
        if self._fd < 0:
            return self._data[self._offset : self._offset + want]
        return os.pread(self._fd, want, self._offset)

    def _error(self, message: str) -> bytes:
        self.close()
        return blob_error(self.job_id, self.digest, message)

    def close(self) -> None:
        self.done = True
        self._data = b""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def blob_error(job_id: str, digest: str, message: str) -> bytes:
    message = f"the controller cannot send it: {message}"
    return wire.encode({"t": "blob_error", "job": job_id, "digest": digest, "message": message})


class Upload:
    """One file on its way from the host into a sink. Offsets must follow each other.

    The size announced is no limit: a log grows while it is fetched, and files of /proc say 0. The sink knows what it
    is willing to take.
    """

    __slots__ = ("_sink", "done", "offset")

    def __init__(self, sink: UploadSink) -> None:
        self._sink = sink
        self.offset = 0
        self.done = False

    def take(self, header: dict[str, Any], body: bytes) -> None:
        """Write one chunk. `ProtocolError` for a gap or an overlap; whatever the sink raises."""
        if header.get("offset") != self.offset:
            raise ProtocolError(f"an upload went on at {header.get('offset')!r} instead of {self.offset}")
        if body:
            self._sink.write(body)
        self.offset += len(body)
        if header.get("last"):
            self.done = True
            self._sink.close()

    def abort(self) -> None:
        if not self.done:
            self.done = True
            self._sink.abort()
