"""A line that an earlier run left open, as a run uses it: the part of asyncssh's connection that `ssh` needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, cast

from orchestrator.carriers.kept import places
from orchestrator.carriers.kept.frames import Decoder, FrameError, Kind, encode
from orchestrator.security.ssh_library import asyncssh

ANSWER_S = 7.0
"""How long the keeper may take to say whether the line is alive; by itself it says so after `borrower.OPEN_S`."""


class Line(Protocol):
    """What an SSH connection of one's own and a kept one have in common."""

    async def create_session(self, session_factory: Callable[[], Any], command: str, *, encoding: None) -> Any:
        """Run ``command`` on a new channel. Raises `asyncssh.Error` or OSError; `LineUnusable` for a kept line."""
        ...

    def is_closed(self) -> bool: ...

    def close(self) -> None: ...

    async def wait_closed(self) -> None: ...

    def abort(self) -> None: ...


class LineUnusable(Exception):
    """The kept line is dead or gone. Nothing was asked of the host: dial anew."""


class KeptLine:
    """A `Line` by way of its keeper. Each channel hears of its own end, so nobody needs to be told of the line's."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._hold: asyncio.Transport | None = None
        self._channels: set[_Channel] = set()

    @classmethod
    async def attach(cls, path: str) -> KeptLine | None:
        """The line at ``path``; None when there is none."""
        found = places.reach(path)
        if found is None:
            return None
        line = cls(path)
        try:
            transport, _ = await asyncio.get_running_loop().create_unix_connection(lambda: _Hold(line), sock=found)
        except OSError:
            found.close()
            return None
        line._hold = transport
        transport.write(encode(Kind.ATTACH))
        return line

    async def create_session(self, session_factory: Callable[[], Any], command: str, *, encoding: None) -> Any:
        found = places.reach(self._path) if self._hold else None
        if found is None:
            raise LineUnusable("its keeper is gone")
        channel = _Channel(session_factory, self._channels.discard)
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: channel, sock=found)
        except OSError as exc:
            found.close()
            raise LineUnusable(str(exc)) from None
        self._channels.add(channel)
        return await channel.start(command)

    def is_closed(self) -> bool:
        return self._hold is None

    def leave(self) -> None:
        """Give the line back as it is: it may be lent again."""
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.close()

    def close(self) -> None:
        """Have done with the line: it is lent to nobody else, and ends when nobody has it any more."""
        if self._hold is not None:
            self._hold.write(encode(Kind.RETIRE))
        self.leave()

    async def wait_closed(self) -> None:
        """Nothing to wait for: the keeper sees to it."""

    def abort(self) -> None:
        self.close()
        for channel in list(self._channels):
            channel.abort()

    def lost(self) -> None:
        self._hold = None


class _Hold(asyncio.Protocol):
    """The run's hold on the line. The keeper lets go of it when the line ends, and says nothing else on it."""

    def __init__(self, line: KeptLine) -> None:
        self._line = line

    def connection_lost(self, exc: Exception | None) -> None:
        self._line.lost()


class _Channel(asyncio.Protocol):
    """One channel, with the methods of asyncssh's that sessions use."""

    def __init__(self, factory: Callable[[], Any], forget: Callable[[_Channel], None]) -> None:
        self._factory = factory
        self._forget = forget
        self._decoder = Decoder()
        self._session: Any = None
        self._end: Exception | None = None
        """Why the channel ends; None when the host closed it, or nothing else is known."""
        self._transport: asyncio.Transport | None = None
        self._confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for future in (self._confirmed, self._started):
            future.add_done_callback(_consume)

    async def start(self, command: str) -> Any:
        """The session, once its command runs. Raises `LineUnusable`, or what asyncssh raises."""
        self._write(Kind.OPEN, command.encode("utf-8", "surrogateescape"))
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._confirmed
        except TimeoutError:
            self.abort()
            raise LineUnusable("its keeper does not answer") from None
        except asyncio.CancelledError:
            self.abort()
            raise
        try:
            await self._started
        except asyncio.CancelledError:
            self.abort()
            raise
        return self._session

    # --- what a session calls

    def write(self, data: bytes) -> None:
        self._write(Kind.INPUT, data)

    def write_eof(self) -> None:
        self._write(Kind.END_OF_INPUT)

    def send_signal(self, signal: str) -> None:
        self._write(Kind.SIGNAL, signal.encode("ascii"))

    def is_closing(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _write(self, kind: Kind, body: bytes = b"") -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode(kind, body))

    # --- what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            for kind, body in self._decoder.feed(data):
                self._hear(kind, body)
        except FrameError as exc:
            self._end = _odd(exc)
            self.abort()

    def pause_writing(self) -> None:
        if self._session is not None:
            self._session.pause_writing()

    def resume_writing(self) -> None:
        if self._session is not None:
            self._session.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._forget(self)
        error = self._end or _keeper_gone()
        _settle(self._confirmed, LineUnusable(str(error)))
        _settle(self._started, error)
        session, self._session = self._session, None
        if session is not None:
            session.connection_lost(self._end)

    def _hear(self, kind: Kind, body: bytes) -> None:
        if kind is Kind.OUTPUT and self._session is not None:
            self._session.data_received(body, None)
        elif kind is Kind.ERRORS and self._session is not None:
            self._session.data_received(body, asyncssh.constants.EXTENDED_DATA_STDERR)
        elif kind is Kind.STATUS and self._session is not None:
            self._session.exit_status_received(int.from_bytes(body, "big"))
        elif kind is Kind.SIGNAL and self._session is not None:
            self._session.exit_signal_received(_text(body), False, "", "")
        elif kind is Kind.CONFIRMED and not self._confirmed.done():
            _settle(self._confirmed)
            self._session = self._factory()
            self._session.connection_made(self)
        elif kind is Kind.STARTED:
            _settle(self._started)
        elif kind is Kind.UNUSABLE:
            _settle(self._confirmed, LineUnusable(_text(body)))
        elif kind is Kind.REFUSED:
            code = asyncssh.constants.OPEN_REQUEST_SESSION_FAILED
            _settle(self._started, asyncssh.ChannelOpenError(code, _text(body)))
        elif kind is Kind.LOST:
            self._end = _connection_lost(body)
        elif kind is not Kind.CLOSED:
            raise FrameError(kind.name)


def _settle(future: asyncio.Future[None], error: Exception | None = None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _consume(future: asyncio.Future[None]) -> None:
    """A refusal that nobody waits for any more is no unhandled error."""
    if not future.cancelled():
        future.exception()


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _connection_lost(body: bytes) -> asyncssh.ConnectionLost:
    return asyncssh.ConnectionLost(_text(body))


def _keeper_gone() -> asyncssh.ConnectionLost:
    return asyncssh.ConnectionLost("the process that kept the connection open is gone")


def _odd(exc: FrameError) -> asyncssh.ConnectionLost:
    return asyncssh.ConnectionLost(f"what keeps the connection open does not speak as it should: {exc}")
