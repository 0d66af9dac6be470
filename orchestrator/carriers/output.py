"""Output of a raw command, bounded: its head and its tail are kept, what lies between is counted."""

from __future__ import annotations

from orchestrator.carriers.base import RawEnd


class Capped:
    """Keeps at most ``limit`` bytes: the first half of them and the last."""

    __slots__ = ("_half", "_head", "_tail", "dropped")

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self.dropped = 0

    def add(self, data: bytes) -> None:
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > 2 * self._half:
            self._trim()

    def _trim(self) -> None:
        surplus = len(self._tail) - self._half
        if surplus > 0:
            del self._tail[:surplus]
            self.dropped += surplus

    @property
    def truncated(self) -> bool:
        self._trim()
        return self.dropped > 0

    def data(self) -> bytes:
        """What was kept, with a line that says how much was left out."""
        self._trim()
        if not self.dropped:
            return bytes(self._head + self._tail)
        return bytes(self._head) + b"\n[... %d bytes left out ...]\n" % self.dropped + bytes(self._tail)


class RawOutput:
    """Both outputs of a raw command, each capped at ``limit_bytes``."""

    __slots__ = ("stderr", "stdout")

    def __init__(self, limit_bytes: int) -> None:
        self.stdout = Capped(limit_bytes)
        self.stderr = Capped(limit_bytes)

    def end(self, rc: int | None, timed_out: bool = False) -> RawEnd:
        """The finished command; ``rc`` does not count when it ran out of time."""
        status = -1 if timed_out or rc is None else rc
        truncated = self.stdout.truncated or self.stderr.truncated
        return RawEnd(status, self.stdout.data(), self.stderr.data(), timed_out, truncated)
