"""One request to an address that was judged: pinned, no redirects, no proxy, little read, little time."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from threading import Timer

from orchestrator.notify.addresses import refuse_inner, split
from orchestrator.notify.sending import NotSent

TIMEOUT_S = 15
LONGEST_S = 30
"""Of a whole request: an answer that comes byte by byte must not hold the others up."""
MOST_READ = 2_000
AGENT = "orch"
Resolve = Callable[[str, int], Sequence[str]]


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, in the system's order."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def send(method: str, url: str, headers: Mapping[str, str], body: bytes = b"", *, allowed: Sequence[str] = (),
         resolving: Resolve = resolve, context: ssl.SSLContext | None = None) -> int:
    """The status, 200 to 299. Raises `NotSent`, whose words hold nothing of the address but its host.

    ``allowed``: inner networks that may be called, as the admin's settings say.
    """
    parts = split(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        addresses = refuse_inner(host, resolving(host, port), allowed)
        connection = _Pinned(host, port, addresses[0], _context(context) if parts.scheme == "https" else None)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        guard = Timer(LONGEST_S, connection.cut)
        guard.daemon = True
        guard.start()
        try:
            connection.request(method, target, body or None, {"User-Agent": AGENT, "Connection": "close", **headers})
            answer = connection.getresponse()
            answer.read(MOST_READ)
        finally:
            guard.cancel()
            connection.close()
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise NotSent(f"{host}: {_words(error)}") from error
    if 300 <= answer.status < 400:
        raise NotSent(f"{host} answered {answer.status}: redirects are not followed", is_final=True)
    if not 200 <= answer.status < 300:
        is_final = 400 <= answer.status < 500 and answer.status not in (408, 425, 429)
        raise NotSent(f"{host} answered {answer.status}", is_final=is_final)
    return answer.status


class _Pinned(http.client.HTTPConnection):
    """Connects to ``address``; the name is what the certificate must be for, and what Host says."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=TIMEOUT_S)
        self._address = address
        self._context = context
        if context is not None:
            self.default_port = 443

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._context is not None:
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)

    def cut(self) -> None:
        """From another thread: whoever reads has an end of file."""
        sock = self.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended by itself


def _context(given: ssl.SSLContext | None) -> ssl.SSLContext:
    context = given or ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_S} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return "the name has no address"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
