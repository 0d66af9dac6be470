"""A TCP line that sends what one turn of the loop writes in one system call, and nothing that says nothing.

asyncssh writes each packet at once, one call for every frame and more. On a fleet these calls are a third of the
controller's CPU. Held back to the end of the loop's turn they are one, with whatever else there is to send there.

asyncssh puts an ignore packet before every packet that it encrypts. That takes away what CBC modes tell an observer
about the packet behind it; with any other mode it doubles the packets that both sides work on, for nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

_IGNORE = 2
"""SSH_MSG_IGNORE, RFC 4253."""


class TcpLine:
    """What asyncssh takes as ``tunnel``: something that connects a protocol to (host, port)."""

    logger = logging.getLogger("asyncssh")

    def __init__(self, family: int = 0) -> None:
        self._family = family

    async def create_connection(self, factory: Callable[..., Any], host: str, port: int) -> tuple[Any, Any]:
        """Connect; returns (transport, protocol) as the loop's own method does. Raises OSError."""
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(lambda: _Line(_terse(factory())), host, port, family=self._family)
        return line.transport, line.protocol


def _terse(connection: Any) -> Any:
    """The connection (asyncssh's own), which leaves its ignore packets out where the cipher needs none."""
    send_packet = connection.send_packet

    def send(kind: int, *args: bytes, **handler: Any) -> None:
        if kind != _IGNORE or connection.get_extra_info("send_cipher", "").endswith("-cbc"):
            send_packet(kind, *args, **handler)

    connection.send_packet = send
    return connection


class _Line(asyncio.Protocol):
    """Hands everything on to the protocol behind it, and gives it a `_Gathering` transport to write to."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.transport: _Gathering | None = None
        self.data_received = protocol.data_received  # type: ignore[method-assign]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = _Gathering(cast(asyncio.Transport, transport))
        self.protocol.connection_made(self.transport)

    def eof_received(self) -> bool | None:
        return cast("bool | None", self.protocol.eof_received())

    def connection_lost(self, exc: Exception | None) -> None:
        self.protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self.protocol.pause_writing()

    def resume_writing(self) -> None:
        self.protocol.resume_writing()


class _Gathering:
    """A transport whose writes leave together, at the end of the loop's turn, in order."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._transport.write(b"".join(waiting))

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size() + sum(map(len, self._waiting))

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._waiting.clear()
        self._transport.abort()

    def write_eof(self) -> None:
        self._flush()
        self._transport.write_eof()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
