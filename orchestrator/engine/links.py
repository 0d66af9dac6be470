"""Connections of a run: one for each host and way of reaching it, opened when first needed, kept to the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.errors import OrchError

if TYPE_CHECKING:
    from orchestrator.carriers.base import Connection
    from orchestrator.carriers.privileges import BecomeSpec
    from orchestrator.carriers.target import Target
    from orchestrator.model import Task

CLOSE_TIMEOUT_S = 10.0

Key = tuple[Any, ...]
Get = Callable[[str], Any]
"""Gives a variable's value for the host in question, rendered, or None when it is not set."""


class Links:
    """Opens, shares and closes the run's connections.

    Two tasks share a connection when their `Target` is the same. Working a target out reads some thirty variables, so
    it is remembered per host for as long as nothing that could change it is set (`forget`).
    """

    def __init__(
        self,
        *,
        target_of: Callable[[str, Get, Mapping[str, Any]], Target],
        become_of: Callable[..., BecomeSpec | None],
        open_connection: Callable[[Target], Connection],
        connect_timeout_s: float,
        finish: Callable[[], Awaitable[None]],
        enrolled: Callable[[], Awaitable[frozenset[str]]] | None = None,
    ) -> None:
        self._target_of = target_of
        self._become_of = become_of
        self._make = open_connection
        self._connect_timeout_s = connect_timeout_s
        self._finish = finish
        self._enrolled = enrolled
        self._made: dict[Key, Connection] = {}
        self._ready: set[Key] = set()
        self._opening: dict[Key, asyncio.Task[None]] = {}
        self._targets: dict[tuple[Any, ...], Target] = {}
        self._becomes: dict[tuple[Any, ...], BecomeSpec | None] = {}
        self._secrets: set[tuple[int, str]] = set()
        self._discovered: dict[Key, str] = {}

    async def enrolled(self) -> frozenset[str]:
        """The hosts that have an agentlet, whatever else reaches them."""
        return await self._enrolled() if self._enrolled is not None else frozenset()

    def target(self, host: str, get: Get, task: Task, keywords: Mapping[str, Any], *, cached: bool) -> Target:
        """The way to ``host`` for this task; ``cached`` says that only host-wide variables have a say in it."""
        if not cached:
            return self._target_of(host, get, keywords)
        key = (host, *keywords.values())
        known = self._targets.get(key)
        if known is None:
            known = self._targets[key] = self._target_of(host, get, keywords)
        return known

    def become(self, host: str, get: Get, keywords: Mapping[str, Any], *, cached: bool) -> BecomeSpec | None:
        """The identity the task runs under, or None for the login user's own."""
        if not cached:
            return self._become_of(get, **keywords)
        key = (host, *keywords.values())
        if key not in self._becomes:
            self._becomes[key] = self._become_of(get, **keywords)
        return self._becomes[key]

    def forget(self, host: str | None = None) -> None:
        """Variables that name addresses, users or keys may have changed: work targets out anew."""
        for cache in (self._targets, self._becomes):
            for key in [k for k in cache if host is None or k[0] == host]:
                del cache[key]

    async def connection(self, target: Target, *, boot: bool = True) -> Connection:
        """The connection for a target, its runtime booted unless ``boot`` is False (`Connection.raw` needs none).

        Raises `Unreachable`; the next call then tries again.
        """
        key = target.key
        connection = self._made.get(key)
        if connection is None:
            connection = self._made[key] = self._make(target)
        if not boot or key in self._ready:
            return connection
        opening = self._opening.get(key)
        if opening is None:
            opening = self._opening[key] = asyncio.create_task(self._boot(target, connection))
        await asyncio.shield(opening)
        return connection

    async def _boot(self, target: Target, connection: Connection) -> None:
        try:
            info = await connection.open(self._connect_timeout_s)
            self._ready.add(target.key)
            if target.python is None:
                self._discovered[target.key] = info.executable
        except OrchError:
            self.lost(target)
            raise
        finally:
            self._opening.pop(target.key, None)

    def discovered(self, target: Target) -> str:
        """The Python that was looked for and found there; empty where one is named, and before a runtime booted."""
        return self._discovered.get(target.key, "")

    def lost(self, target: Target) -> None:
        """A connection broke: the next task that needs the host connects anew."""
        self._ready.discard(target.key)
        connection = self._made.pop(target.key, None)
        if connection is not None:
            self._forget_secrets(connection)
            connection.abandon()

    def _forget_secrets(self, connection: Connection) -> None:
        """A new connection may get a dead one's id; it must be told the passwords again."""
        self._secrets = {known for known in self._secrets if known[0] != id(connection)}

    def name_secret(self, connection: Connection, value: str) -> str:
        """Hand a password to the runtime once; returns the name that jobs use for it."""
        import hashlib

        name = "become-" + hashlib.blake2b(f"{id(self)}:{value}".encode(), digest_size=8).hexdigest()
        if (id(connection), name) not in self._secrets:
            connection.set_secret(name, value)
            self._secrets.add((id(connection), name))
        return name

    async def reset(self, target: Target) -> None:
        """``meta: reset_connection``."""
        self._ready.discard(target.key)
        connection = self._made.pop(target.key, None)
        if connection is not None:
            self._forget_secrets(connection)
            await _close(connection)

    def abandon_all(self) -> list[str]:
        """Drop every line at once; the names of the hosts."""
        made, self._made = list(self._made.values()), {}
        self._ready.clear()
        for connection in made:
            connection.abandon()
        return [connection.name for connection in made]

    async def close(self, *, keep: bool = False) -> None:
        """Say goodbye on every connection; what does not answer in time is dropped.

        ``keep``: sound lines may be left to the next run.
        """
        for opening in list(self._opening.values()):
            opening.cancel()
        await asyncio.gather(*self._opening.values(), return_exceptions=True)
        made, self._made = list(self._made.values()), {}
        await asyncio.gather(*(_close(c, keep) for c in made), return_exceptions=True)
        await self._finish()


async def _close(connection: Connection, keep: bool = False) -> None:
    try:
        await asyncio.wait_for(connection.close(keep=keep), CLOSE_TIMEOUT_S)
    except (TimeoutError, OrchError):
        connection.abandon()
