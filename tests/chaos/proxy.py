"""A TCP proxy between agentlet and server that does to the bytes what networks do.

In the mode ``tls`` it passes on what it cannot read. In the mode ``proxy`` it ends TLS itself, as a reverse proxy
does, and so can also send whole requests twice, send them again later, and swallow their answers.
"""

from __future__ import annotations

import random
import socket
import ssl
import threading
import time
from pathlib import Path

from orchestrator.security.ca import CertificateAuthority
from tests.chaos.plan import Network

CHUNK_BYTES = 16 * 1024
LATE_S = 0.7


class Proxy:
    """Listens from its making on. ``folder``: where the certificate of the mode ``proxy`` lies."""

    def __init__(self, plain: bool, network: Network, seed: int, folder: Path) -> None:
        self.target_port = 0
        self.network = network
        self._draw = random.Random(seed)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._is_cut = False
        self._context = self.ca_file = None
        if plain:
            authority = CertificateAuthority(folder)
            authority.create()
            made = authority.issue_server(("localhost", "127.0.0.1"))
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(made.chain_path, made.key_path)
            self.ca_file = folder / "bundle.for-agentlet"
            self.ca_file.write_text(authority.bundle())
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.is_rough = False
        """Whether anything is done to the bytes now."""
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Ends what there is, in the middle of whatever it was, and lets nobody in."""
        with self._lock:
            self._is_cut = True
            ended, self._open = self._open, set()
        for one in ended:
            _end(one)

    def restore(self) -> None:
        self._is_cut = False

    def close(self) -> None:
        _end(self._listening)
        self.cut()

    # ---- within, one thread per connection and direction

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = None
        try:
            if self._is_cut:
                return
            if self._context is not None:
                client.settimeout(10)
                client = self._context.wrap_socket(client, server_side=True)
                client.settimeout(None)
            server = socket.create_connection(("127.0.0.1", self.target_port), 5)
            server.settimeout(None)
            with self._lock:
                self._open |= {client, server}
            if self._context is not None:
                self._exchange(client, server)
            else:
                back = threading.Thread(target=self._pass, args=(server, client), daemon=True)
                back.start()
                self._pass(client, server)
                back.join()
        except OSError:
            pass  # that is what this is for
        finally:
            for one in (client, server):
                if one is not None:
                    with self._lock:
                        self._open.discard(one)
                    _end(one)

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(CHUNK_BYTES):
                self._forward(target, data)
        except OSError:
            pass
        finally:
            _end(source)
            _end(target)

    def _forward(self, target: socket.socket, data: bytes) -> None:
        """All of it, late; or a part, and then the end."""
        if self.is_rough:
            time.sleep(self._uniform(self.network.delay_s))
            if self._chance(self.network.truncate):
                target.sendall(data[:int(self._uniform(len(data)))])
                raise OSError("cut off")
        target.sendall(data)

    def _exchange(self, client: socket.socket, server: socket.socket) -> None:
        """Request by request."""
        while (request := _message(client)) is not None:
            if self.is_rough and self._chance(self.network.late):
                threading.Timer(self._uniform(LATE_S), self._again, (request,)).start()
            self._forward(server, request)
            reply = _message(server)
            if reply is None:
                return
            if self.is_rough and self._chance(self.network.double):
                self._again(request)
            if self.is_rough and self._chance(self.network.swallow):
                return
            self._forward(client, reply)

    def _again(self, request: bytes) -> None:
        """Nobody hears what is answered to it. Held polls are left out: they change nothing."""
        if b" /agent/v1/poll" in request[:40]:
            return
        try:
            with socket.create_connection(("127.0.0.1", self.target_port), 5) as server:
                server.settimeout(5)
                server.sendall(request)
                _message(server)
        except OSError:
            pass

    def _chance(self, probability: float) -> bool:
        with self._lock:
            return self._draw.random() < probability

    def _uniform(self, most: float) -> float:
        with self._lock:
            return self._draw.uniform(0, most)


def _message(source: socket.socket) -> bytes | None:
    """One whole request or reply with a ``Content-Length``, or none at all; None at the end of the stream."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = source.recv(CHUNK_BYTES)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    size = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            size = int(value)
    while len(body) < size:
        more = source.recv(CHUNK_BYTES)
        if not more:
            return None
        body += more
    return head + b"\r\n\r\n" + body


def _end(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    one.close()
