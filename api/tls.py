"""TLS 1.3 with client certificates, as the gateway speaks it, and the certificate in the ASGI scope.

uvicorn does not hand the client's certificate to the application. `AgentProtocol` adds it, and a limit on how long a
client may take to send a request. It reaches into uvicorn's protocol class: pyproject.toml pins the version, and
tests/api/test_tls.py tries what is relied on.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_LIMIT_S = 60.0
"""From a request's first byte to its last: 1 MiB over a line of 17 KiB/s. Slower is taken for an attack."""
PARTING_S = 1.0
X509_V_FLAG_NO_CHECK_TIME = 0x200000
"""OpenSSL's x509_vfy.h. Of an expired certificate the handshake could only say `alert 45`; so it passes here, and who
looks up its serial number refuses it with a sentence that helps."""


class TlsFiles(Struct, frozen=True):
    """What a server shows, and whom it believes."""

    chain: str
    key: str
    """Paths."""
    authorities: str
    """PEM of the CAs whose client certificates are taken; empty: clients are asked for none."""
    version: object = None
    """Another one when what the paths lead to has changed."""


class ServerContext:
    """The server's side of TLS: 1.3 alone, client certificates optional, reloadable while it serves.

    A new certificate, or another set of CAs, holds from the next connection on after `refresh` has seen it: ``load``
    gives the files as they should be now.
    """

    def __init__(self, load: Callable[[], TlsFiles]) -> None:
        self._load = load
        self._loaded = load()
        self._current = _context(self._loaded)
        self.listening = _context(self._loaded)
        """For whoever listens. Every handshake is handed on to the current context: a CA cannot be taken out of one."""
        self.listening.sni_callback = self._hand_on

    def refresh(self) -> None:
        """Take what is there now, if it is other than before; when it cannot be used, raises and stays as it was."""
        found = self._load()
        if found != self._loaded:
            self._current = _context(found)
            self._loaded = found

    def _hand_on(self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, context: ssl.SSLContext) -> None:
        connection.context = self._current


def _context(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(files.chain, files.key)
    if files.authorities:
        context.verify_mode = ssl.CERT_OPTIONAL  # who enrols has none yet; every other route asks for an identity
        context.load_verify_locations(cadata=files.authorities)
        context.verify_flags |= X509_V_FLAG_NO_CHECK_TIME
    context.num_tickets = 0  # a resumed session would carry a certificate that was checked once, long ago
    return context


class AgentProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, with the client's certificate in the scope of every request that came over TLS.

    It is ``scope["extensions"]["tls"]["client_cert_der"]``: bytes, or None.
    """

    _extensions: dict[str, Any] | None = None
    _patience: asyncio.TimerHandle | None = None
    most_connections: int | None = None
    """More are closed as soon as they are made."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.most_connections is not None and len(self.connections) > self.most_connections:
            transport.abort()
            return
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._extensions = {"tls": {"client_cert_der": tls.getpeercert(binary_form=True)}}
        self._await_request()

    def data_received(self, data: bytes) -> None:
        if self._patience is None:
            self._await_request()
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._patience is None:
            self._await_request()
        if self._extensions is not None:
            self.scope["extensions"] = self._extensions

    def on_message_complete(self) -> None:
        self._calm()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._part()

    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():
            self._part()

    def connection_lost(self, exc: Exception | None) -> None:
        self._calm()
        super().connection_lost(exc)

    def _await_request(self) -> None:
        self._patience = self.loop.call_later(REQUEST_LIMIT_S, self._give_up)

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _part(self) -> None:
        """Closing TLS waits for the other side's good-bye. Many never say it."""
        self.loop.call_later(PARTING_S, self.transport.abort)

    def _give_up(self) -> None:
        self._patience = None
        self.transport.abort()
