"""uvicorn servers in one event loop: made, started, and stopped without cutting anybody off."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn
from msgspec import Struct

from api.tls import AgentProtocol, ServerContext

KEEP_ALIVE_S = 75
"""Longer than the pause between an agent's heartbeats: a new TLS connection costs twenty times what a request does."""
STOP_LIMIT_S = 20
BACKLOG = 4096
OTHER_FILES = 200
HEADERS = (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))
"""Of every answer: keys, jobs and scripts with a token in them are for no cache on the way."""
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Listener(Struct):
    """One port and the application behind it."""

    app: Any
    socket: socket.socket
    tls: ServerContext | None = None
    headers: tuple[tuple[str, str], ...] = HEADERS


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; 0 takes any free port. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made


def raise_file_limit() -> int:
    """Take as many open files as the system allows; returns how many connections that leaves."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(hard - OTHER_FILES, OTHER_FILES)


class Stop:
    """The wish to stop: once means when everybody was answered, twice means now."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.is_urgent = False

    def ask(self) -> None:
        self.is_urgent = self.asked.is_set()
        self.asked.set()

    @contextmanager
    def by_signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT ask, within."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.ask)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)


async def serve(listeners: Sequence[Listener], stop: Stop, *, on_started: Callable[[], None],
                on_stopping: Callable[[], None]) -> None:
    """Serve until asked to stop. ``on_stopping`` answers who is held; then connections end as they become idle.

    Those that are left after 20 s are cut off.
    """
    most = raise_file_limit()
    servers = [_Server(_config(listener, most), stop) for listener in listeners]
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(server.serve([listener.socket])) for server, listener in zip(servers, listeners)]
    await _until_started(servers, tasks)
    on_started()
    asked = loop.create_task(stop.asked.wait())
    await asyncio.wait([asked, *tasks], return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    on_stopping()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)


async def _until_started(servers: Sequence[uvicorn.Server], tasks: Sequence[asyncio.Task[None]]) -> None:
    while not all(server.started for server in servers):
        for task in tasks:
            if task.done():
                task.result()
                raise RuntimeError("a server ended before it had started")
        await asyncio.sleep(0.01)


class _Server(uvicorn.Server):
    """Without uvicorn's own signal handlers: several servers of one process stop together."""

    def __init__(self, config: uvicorn.Config, stop: Stop) -> None:
        self._stop = stop
        super().__init__(config)

    @property
    def force_exit(self) -> bool:
        return self._stop.is_urgent

    @force_exit.setter
    def force_exit(self, value: bool) -> None:
        pass  # only `Stop` decides

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        await self._serve(sockets)


def _config(listener: Listener, most_connections: int) -> uvicorn.Config:
    tls = listener.tls
    protocol = type("BoundedAgentProtocol", (AgentProtocol,), {"most_connections": most_connections})
    return uvicorn.Config(
        listener.app, http=protocol, loop="none", ws="none", lifespan="off", interface="asgi3", log_config=None,
        access_log=False, server_header=False, proxy_headers=False, backlog=BACKLOG, timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_LIMIT_S, headers=list(listener.headers),
        ssl_context_factory=(lambda config, default: tls.listening) if tls is not None else None,
    )
