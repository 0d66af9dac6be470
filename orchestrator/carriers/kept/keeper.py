"""What stays behind: it holds lines to hosts, and lends them to the runs that come to their sockets.

A line ends when nobody has had it for its idle time, and the keeper with its last line. Nothing is read from a host
but what a run has asked for, and no run is told of another.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from msgspec import Struct

from orchestrator.carriers.kept.borrower import Borrower
from orchestrator.carriers.kept.places import Place
from orchestrator.carriers.ssh_dial import Owner
from orchestrator.security.ssh_library import asyncssh

CLOSE_S = 3.0


class Lent(Struct):
    """A line to keep: its socket listens already."""

    connection: asyncssh.SSHClientConnection
    listening: socket.socket
    place: Place
    idle_s: float


class Keeper:
    """Serves lines until the last has ended. Belongs to the event loop that opened them."""

    def __init__(self, lent: list[Lent]) -> None:
        self._lines = {_Line(one, self._ended) for one in lent}
        self._empty = asyncio.Event()

    async def serve(self) -> None:
        """Return when no line is left."""
        for line in list(self._lines):
            await line.listen()
        await self._empty.wait()

    def stop(self) -> None:
        """Close every line, whoever has it."""
        for line in list(self._lines):
            line.end()

    def _ended(self, line: _Line) -> None:
        self._lines.discard(line)
        if not self._lines:
            self._empty.set()


class _Line:
    """One line, who uses it, and the time since nobody does."""

    def __init__(self, lent: Lent, ended: Callable[[_Line], None]) -> None:
        self.connection = lent.connection
        self._lent = lent
        self._ended = ended
        self._server: asyncio.Server | None = None
        self._borrowers: set[Borrower] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._retired = False
        self._ending: asyncio.Task[None] | None = None
        owner = lent.connection.get_owner()
        if isinstance(owner, Owner):
            owner.on_lost = self.lost

    async def listen(self) -> None:
        self._server = await asyncio.get_running_loop().create_unix_server(
            lambda: Borrower(self), sock=self._lent.listening
        )
        self._settle()

    def joined(self, borrower: Borrower) -> None:
        self._borrowers.add(borrower)
        self._settle()

    def left(self, borrower: Borrower) -> None:
        if borrower in self._borrowers:
            self._borrowers.discard(borrower)
            self._settle()

    def retire(self) -> None:
        """Nobody new; the end comes with the last user's."""
        self._retired = True
        self._hide()
        self._settle()

    def lost(self, exc: Exception | None) -> None:
        """The host, or what is between, ended the line."""
        for borrower in list(self._borrowers):
            borrower.line_lost(exc)
        self.end()

    def end(self) -> None:
        self._hide()
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end())

    def _settle(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._borrowers or self._ending:
            return
        if self._retired or self.connection.is_closed():
            self.end()
        else:
            self._timer = asyncio.get_running_loop().call_later(self._lent.idle_s, self.end)

    def _hide(self) -> None:
        self._lent.place.remove()
        if self._server is not None:
            self._server.close()

    async def _end(self) -> None:
        self.connection.close()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self.connection.wait_closed()
        except TimeoutError:
            self.connection.abort()
        for borrower in list(self._borrowers):
            borrower.line_lost(None)
        self._ended(self)
