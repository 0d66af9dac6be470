"""The operator's API and page at work: the application, where it listens, and what goes on beside requests."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from litestar import Litestar
from msgspec import Struct

from api.operator.app import operator_app
from api.operator.clock import clock
from api.operator.driver import driver
from api.operator.entrance import host_name
from api.operator.identity import Door
from api.operator.office import Office
from api.operator.proxies import THIS_MACHINE, networks
from api.server import Listener, listen
from api.tls import ServerContext, TlsFiles
from orchestrator.agents.servers import bracketed
from orchestrator.control.control import Control, open_control
from orchestrator.control.first_start import first_link
from orchestrator.errors import OrchError, UsageError
from orchestrator.runs.worker import CAPACITY

LOG = logging.getLogger("orch.api")
PLAIN_PORT, TLS_PORT = 8080, 8443
LOOPBACK = ("127.0.0.1", "::1", "localhost")
UPKEEP_EVERY_S = 900.0
SWEEP_EVERY_S = 600.0
SWEEP_AT_MOST_S = 20.0
FAILED_RETRY_S = 15.0
HEADERS = (("x-content-type-options", "nosniff"),)


class PageOptions(Struct, frozen=True):
    """Where the page and the API are; ``port`` None: the usual one, or another where that is taken."""

    host: str = "127.0.0.1"
    port: int | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    own_tls: bool = False
    """With a certificate from our own authority."""
    is_behind_proxy: bool = False
    proxies: tuple[str, ...] = ()
    """Addresses or networks of that proxy; none: this machine."""
    url: str = ""
    """Where people reach it, when it is another address."""
    names: tuple[str, ...] = ()
    """By which it may be called, besides the address it listens on."""
    machine_names: tuple[str, ...] = ()
    """This machine's."""
    capacity: int = CAPACITY
    """Runs that are driven within; 0 leaves them to other workers."""


class OperatorService:
    """Make it, listen, and enter `running`; ``app`` is what is served."""

    def __init__(self, state_dir: Path, store_url: str | None, options: PageOptions,
                 own_certificate: Callable[[], TlsFiles] | None = None) -> None:
        self.state_dir, self.store_url, self.options = state_dir, store_url, options
        proxies = _proxies(options)
        self.office = Office(self._open)
        self.tls = _tls(options, own_certificate)
        self.socket, self.note = _listen(options, self.tls is not None)
        host, port = self.socket.getsockname()[:2]
        self.url = options.url.rstrip("/") or f"{'https' if self.tls else 'http'}://{_shown(host)}:{port}"
        self.door = Door(
            is_secure=self.tls is not None, is_behind_proxy=options.is_behind_proxy,
            proxies=proxies, hosts=_hosts(options), url=self.url)
        self.app: Litestar = operator_app(self.office, self.door, service=self)

    def _open(self) -> Control:
        return open_control(self.state_dir, self.store_url)

    def listener(self) -> Listener:
        return Listener(self.app, self.socket, self.tls, HEADERS)

    async def words(self) -> list[str]:
        """What to say when it has started: the address, what to be warned of, the first admin's link."""
        said = [f"page: {self.url}"]
        if self.note:
            said.append(self.note)
        if self.tls is None and not self.options.is_behind_proxy and self.options.host not in LOOPBACK:
            said.append("warning: without TLS, passwords and sessions cross the network readable by all who are on the"
                        " way; use --page-tls, --tls-cert and --tls-key, or --behind-proxy")
        if self.options.is_behind_proxy and not self.options.url:
            said.append(f"warning: links, and logins by a provider, lead to {self.url}; --page-url says where the proxy"
                        " is reached")
        first = await self.office.call(first_link)
        if first is not None:
            said.append(f"no admin has a password yet: set that of {first[0]!r}, within 24 hours, at")
            said.append(f"{self.url}/link/{first[1]}")
        return said

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """All of `BESIDE`, within."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.office.close)
            if self.options.url:
                await self.office.call(lambda control: control.is_reached_at(self.url))
            for part in BESIDE:
                await stack.enter_async_context(part(self))
            yield

    def stopping(self) -> None:
        """Streams end themselves when this is set; called once, from the loop."""
        self.app.state["stopping"] = True
        for wake in list(self.wakers):
            wake()

    @property
    def wakers(self) -> list[Callable[[], None]]:
        """What streams have left to be called when the server stops."""
        found: list[Callable[[], None]] = self.app.state.setdefault("wakers", [])
        return found


async def for_ever(what: str, work: Callable[[], Awaitable[Any]], every_s: float) -> None:
    """``work`` again and again; what fails is logged, and tried again."""
    while True:
        try:
            await work()
            await asyncio.sleep(every_s)
        except Exception as error:
            LOG.error("%s: %s", what, error, exc_info=not isinstance(error, OrchError))
            await asyncio.sleep(FAILED_RETRY_S)


@asynccontextmanager
async def upkeep(service: OperatorService) -> AsyncIterator[None]:
    """Rows that are over go, and what is too old; a new certificate is taken."""
    async def tidy() -> None:
        await service.office.call(lambda control: control.tidy())

    async def let_go() -> None:
        ends = time.monotonic() + SWEEP_AT_MOST_S
        await service.office.call(lambda control: control.retention.sweep(goes_on=lambda: time.monotonic() < ends))

    tasks = [asyncio.create_task(for_ever("upkeep", tidy, UPKEEP_EVERY_S)),
             asyncio.create_task(for_ever("retention", let_go, SWEEP_EVERY_S))]
    if service.tls is not None:
        refresh = service.tls.refresh
        tasks.append(asyncio.create_task(for_ever("certificate", lambda: asyncio.to_thread(refresh), 30)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


Part = Callable[[OperatorService], AbstractAsyncContextManager[None]]
BESIDE: tuple[Part, ...] = (upkeep, driver, clock)
"""What runs within `orch serve` beside requests, begun in this order and ended in the other: one entry each."""


def _tls(options: PageOptions, own: Callable[[], TlsFiles] | None) -> ServerContext | None:
    if (options.tls_cert is None) != (options.tls_key is None):
        raise UsageError("a certificate needs its key", code="serve_tls", hint="--tls-cert FILE --tls-key FILE")
    if options.tls_cert is not None and options.tls_key is not None:
        chain, key = str(options.tls_cert), str(options.tls_key)

        def files() -> TlsFiles:
            return TlsFiles(chain, key, "", tuple(Path(path).stat().st_mtime_ns for path in (chain, key)))

        try:
            return ServerContext(files)
        except (OSError, ValueError) as error:
            raise UsageError(f"the certificate cannot be used: {error}", code="serve_tls",
                             hint="--tls-cert is a chain in PEM, --tls-key its key without a password") from error
    return ServerContext(own) if options.own_tls and own is not None else None


def _listen(options: PageOptions, is_tls: bool) -> tuple[socket.socket, str]:
    """The socket, and what is to be said about it."""
    port = options.port if options.port is not None else TLS_PORT if is_tls else PLAIN_PORT
    try:
        return listen(options.host, port), ""
    except OSError as error:
        if options.port is None:
            return listen(options.host, 0), f"port {port} is taken by another: this one is free; --page-port says which"
        raise UsageError(f"cannot listen on {options.host}, port {port}: {error.strerror}", code="serve_listen",
                         hint="another orch serve? --page-port names another port") from error


def _shown(host: str) -> str:
    return "localhost" if host in ("0.0.0.0", "::") else bracketed(host)


def _proxies(options: PageOptions) -> frozenset[str]:
    named = frozenset(options.proxies or THIS_MACHINE)
    try:
        networks(named)
    except ValueError as error:
        raise UsageError(f"--trusted-proxy: {error}", code="serve_proxy",
                         hint="an address, or a network as 10.42.0.0/16") from error
    return named


def _hosts(options: PageOptions) -> frozenset[str]:
    """Names that requests may ask for; none at all (any will do) only behind a proxy that was told no name."""
    named = {name.lower() for name in options.names}
    if options.url:
        named.add(host_name(urlsplit(options.url).netloc.lower()))
    if options.is_behind_proxy and not named:
        return frozenset()
    return frozenset({*named, *(name.lower() for name in options.machine_names), *LOOPBACK, options.host})
