"""`orch serve`: what it makes on its first start, and the process that serves."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop
from msgspec import Struct
from msgspec.structs import replace

from api import logs
from api.agents.service import AgentService
from api.operator.service import OperatorService
from api.operator.service import PageOptions as PageOptions
from api.server import Listener, Stop, listen, serve
from api.tls import ServerContext, TlsFiles
from orchestrator.agents.desk import Desk
from orchestrator.agents.opening import CA_FOLDER, open_desk
from orchestrator.agents.servers import bracketed, called_url
from orchestrator.errors import UsageError
from orchestrator.security.ca import CertificateAuthority

Say = Callable[[str], None]
THIS_MACHINE = ("localhost", "127.0.0.1")
LOG = logging.getLogger("orch.api")


class ServeOptions(Struct, frozen=True):
    state_dir: Path
    store_url: str | None = None
    names: tuple[str, ...] = ()
    agents_host: str = "0.0.0.0"
    agents_port: int = 8444
    is_behind_proxy: bool = False
    url: str | None = None
    """Where agents call, when that is not where this process listens."""
    rollout: int | None = None
    """Per cent of the agents that are told to update themselves; what an operator has stored counts before it."""
    page: PageOptions = PageOptions()
    log_level: str = "info"


def run(options: ServeOptions, say: Say) -> None:
    """Serve until SIGTERM or SIGINT. Authority, keys and certificate are made where they are missing.

    Raises `OrchError` when that, the store or the port is not to be had.
    """
    logs.set_up(options.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(options, say))


async def _serve(options: ServeOptions, say: Say) -> None:
    stop = Stop()
    authority = CertificateAuthority(options.state_dir / CA_FOLDER)
    service = AgentService(lambda: open_desk(options.state_dir, options.store_url),
                           is_behind_proxy=options.is_behind_proxy, url=options.url,
                           pin=lambda: None if options.is_behind_proxy else authority.pin())
    # Master key and store: better told now than to the first agent.
    said = await service.desk.call(lambda desk: first_rollout(desk, options.rollout))
    authority.create()
    names = options.names or default_names(authority.server_names())
    tls = None if options.is_behind_proxy else ServerContext(lambda: tls_files(authority, names))
    listening = _listen(options.agents_host, options.agents_port)
    page_options = replace(options.page, names=(*options.page.names, *options.names), machine_names=names)
    page = OperatorService(options.state_dir, options.store_url, page_options, lambda: page_files(authority, names))
    words = await page.words()

    def stopping() -> None:
        service.gateway.waiting.drain()
        page.stopping()

    def started() -> None:
        if tls is None:
            say(f"agents: http://{bracketed(host)}:{port}, for a proxy that ends TLS; requests must be signed")
        else:
            say(f"agents: https://{bracketed(host)}:{port}, as {', '.join(names)}")
            say(f"the server's key: {authority.pin()}")
        for line in [said, *words] if said else words:
            say(line)

    host, port = listening.getsockname()[:2]
    with stop.by_signals(), renewing([one for one in (tls, page.tls) if one is not None]):
        url = options.url or ("" if tls is None else called_url(names, port))
        async with service.running(tls, url), page.running():
            await serve([Listener(service.app, listening, tls), page.listener()], stop, on_started=started,
                        on_stopping=stopping)


@contextmanager
def renewing(contexts: list[ServerContext]) -> Iterator[None]:
    """Within, SIGHUP has certificates read anew at once; they are by themselves within 30 s.

    On a terminal it means what it means there: the end.
    """
    if os.isatty(0):
        yield
        return

    def renew() -> None:
        for context in contexts:
            try:
                context.refresh()
            except Exception as error:  # half of a renewal: the old one serves on, and both are looked at again
                LOG.error("certificate: %s", error)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, renew)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


def tls_files(authority: CertificateAuthority, names: tuple[str, ...]) -> TlsFiles:
    """The server's certificate, made anew when it is time, and all authorities that are trusted now."""
    made = authority.issue_server(names)
    return TlsFiles(made.chain_path, made.key_path, authority.bundle(), authority.version())


def page_files(authority: CertificateAuthority, names: tuple[str, ...]) -> TlsFiles:
    """The same certificate for browsers, which are asked for none."""
    made = authority.issue_server(names)
    return TlsFiles(made.chain_path, made.key_path, "", authority.version())


def first_rollout(desk: Desk, ring: int | None) -> str | None:
    """``ring`` becomes the store's word where there is none yet; says so when there is another one."""
    stored = desk.rollouts.stored()
    if ring is None or (stored is not None and stored.ring == ring):
        return None
    if stored is None:
        desk.rollouts.change("orch serve", ring=ring)
        return None
    return f"updates are let to {stored.ring} %, as was decided since: `orch agents rollout --ring {ring}` changes it"


def default_names(known: tuple[str, ...]) -> tuple[str, ...]:
    """Names by which agents may call this machine; those that were in the certificate before stay in it."""
    name = socket.gethostname()
    found = [*known, socket.getfqdn(), name, *_addresses(name)]
    others = [one for one in found if one and one.isascii() and one not in THIS_MACHINE]
    return tuple(dict.fromkeys([*others, *THIS_MACHINE]))


def _addresses(name: str) -> list[str]:
    """Addresses of this machine: of its name, and of the interface that leads out. Nothing is sent."""
    found = []
    for family, target in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((target, 9))
                found.append(str(probe.getsockname()[0]))
        except OSError:
            pass  # no such network here
    try:
        found += [str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)]
    except OSError:
        pass  # the name means nothing here
    return [address for address in found if "%" not in address]


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        raise UsageError(f"cannot listen on {host}, port {port}: {error.strerror}", code="serve_listen",
                         hint="another orch serve? --agents-port names another port") from error
