"""One connection of a run to its line's keeper, and the channel to the host behind it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol, cast

from orchestrator.carriers.kept.frames import Decoder, FrameError, Kind, encode
from orchestrator.carriers.kept.places import is_ours
from orchestrator.security.ssh_library import asyncssh

OPEN_S = 5.0
"""How long a host may take to open a channel: one that takes longer is as good as gone, and is dialled anew."""


class LentLine(Protocol):
    """What a borrower does with its line."""

    connection: asyncssh.SSHClientConnection

    def joined(self, borrower: Borrower) -> None:
        """From here on the line is in use. Who only looks whether anybody listens does not get here."""
        ...

    def left(self, borrower: Borrower) -> None: ...

    def retire(self) -> None: ...


class Borrower(asyncio.Protocol):
    """One connection of a run: its hold on the line, or one channel."""

    def __init__(self, line: LentLine) -> None:
        self._line = line
        self._decoder = Decoder()
        self._transport: asyncio.Transport | None = None
        self._host: _HostSide | None = None
        self._opening: asyncio.Task[None] | None = None

    # --- from the run

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if not is_ours(transport.get_extra_info("socket")):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            for kind, body in self._decoder.feed(data):
                self._hear(kind, body)
        except FrameError:
            if self._transport is not None:
                self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._host is not None:
            self._host.close()
        self._line.left(self)

    def pause_writing(self) -> None:
        if self._host is not None:
            self._host.pause_reading()

    def resume_writing(self) -> None:
        if self._host is not None:
            self._host.resume_reading()

    def _hear(self, kind: Kind, body: bytes) -> None:
        if kind is Kind.INPUT and self._host is not None:
            self._host.write(body)
        elif kind is Kind.END_OF_INPUT and self._host is not None:
            self._host.write_eof()
        elif kind is Kind.SIGNAL and self._host is not None:
            self._host.send_signal(body.decode("ascii", "replace"))
        elif kind is Kind.OPEN and self._opening is None:
            self._line.joined(self)
            command = body.decode("utf-8", "surrogateescape")
            self._opening = asyncio.get_running_loop().create_task(self._open(command))
        elif kind is Kind.RETIRE:
            self._line.retire()
        elif kind is Kind.ATTACH:
            self._line.joined(self)
        else:
            raise FrameError(kind.name)

    def pause_input(self) -> None:
        """The host does not keep up: take no more from the run."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_input(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # --- to the run

    async def _open(self, command: str) -> None:
        """A channel in time, or no more of this line; a command that was asked for has all the time it takes."""
        try:
            async with asyncio.timeout(OPEN_S) as limit:
                await self._line.connection.create_session(lambda: _HostSide(self, limit), command, encoding=None)
        except TimeoutError:
            self._line.retire()
            self.finish(Kind.UNUSABLE, "the host opened no channel in time")
        except (asyncssh.Error, OSError) as exc:
            reason = exc.reason if isinstance(exc, asyncssh.ChannelOpenError) else str(exc)
            self.finish(Kind.UNUSABLE if self._host is None else Kind.REFUSED, reason)
        else:
            self.say(Kind.STARTED)

    def confirmed(self, host: _HostSide) -> None:
        self._host = host
        self.say(Kind.CONFIRMED)

    @property
    def gone(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def say(self, kind: Kind, body: bytes = b"") -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode(kind, body))

    def finish(self, kind: Kind, reason: str = "") -> None:
        """The last word."""
        self.say(kind, reason.encode("utf-8", "replace")[:1000])
        if self._transport is not None:
            self._transport.close()

    def line_lost(self, exc: Exception | None) -> None:
        self.finish(Kind.LOST, str(exc or "the connection was closed"))


class _HostSide(asyncssh.SSHClientSession[bytes]):
    """The channel to the host, for one user."""

    def __init__(self, user: Borrower, limit: asyncio.Timeout) -> None:
        self._user = user
        self._limit = limit
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan
        if self._user.gone:
            chan.abort()  # who asked has given up by now: the command is not asked for
            return
        self._limit.reschedule(None)
        self._user.confirmed(self)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._user.say(Kind.OUTPUT if datatype is None else Kind.ERRORS, data)

    def exit_status_received(self, status: int) -> None:
        self._user.say(Kind.STATUS, status.to_bytes(4, "big"))

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self._user.say(Kind.SIGNAL, signal.encode("ascii", "replace")[:20])

    def pause_writing(self) -> None:
        self._user.pause_input()

    def resume_writing(self) -> None:
        self._user.resume_input()

    def connection_lost(self, exc: Exception | None) -> None:
        self._channel = None
        if exc is None:
            self._user.finish(Kind.CLOSED)
        else:
            self._user.line_lost(exc)

    # --- what the user does

    def write(self, data: bytes) -> None:
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write(data)

    def write_eof(self) -> None:
        if self._channel is not None:
            self._channel.write_eof()

    def send_signal(self, name: str) -> None:
        if self._channel is not None:
            with contextlib.suppress(OSError):
                self._channel.send_signal(name)

    def pause_reading(self) -> None:
        if self._channel is not None:
            self._channel.pause_reading()

    def resume_reading(self) -> None:
        if self._channel is not None:
            self._channel.resume_reading()

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()
