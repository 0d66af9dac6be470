"""What comes from a host before the first frame: banners, and the line with the marker that ends them."""

from __future__ import annotations

from orchestrator.carriers.payload import BootLine, parse_boot
from orchestrator.errors import ProtocolError

MAX_BANNER_BYTES = 1 << 20
"""How much may be printed before the marker. Login scripts print pages, not megabytes."""
KEPT_BYTES = 4000
SHOWN_BYTES = 2000


class Prologue:
    """Takes bytes until the marker line is whole (``done``)."""

    __slots__ = ("_data", "_marker", "_text", "done")

    def __init__(self, marker: str) -> None:
        self._marker = marker
        self._data = bytearray()
        self._text = ""
        self.done = False

    def feed(self, data: bytes) -> BootLine | None:
        """The marker line, once it is there. `ProtocolError` when more comes than any login prints."""
        self._data += data
        line = parse_boot(bytes(self._data), self._marker)
        if line is None:
            if len(self._data) > MAX_BANNER_BYTES:
                raise ProtocolError(f"more than {MAX_BANNER_BYTES} bytes came before the runtime answered")
            return None
        if line.status == "ok":
            before = self._data[: len(self._data) - len(line.rest)][-KEPT_BYTES:]
            self._text = before.decode("utf-8", "replace").rpartition(self._marker)[0].strip()
            self._data.clear()
            self.done = True
        return line

    @property
    def printed(self) -> str:
        """What came before the marker, its end at least; while the marker has not come, the end of everything."""
        return self._text if self.done else self._data[-SHOWN_BYTES:].decode("utf-8", "replace")
