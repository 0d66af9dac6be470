"""A real HTTP server on loopback that says what it was sent, for the tests of `uri`; over TCP or a Unix socket."""

from __future__ import annotations

import base64
import gzip
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

BASIC = "Basic " + base64.b64encode(b"ann:s3cret").decode()


class Echo(BaseHTTPRequestHandler):
    """``/echo`` for any method, ``/status/N``, ``/to/N?url=``, ``/headers?name=value``, ``/raw?type=&body=``."""

    def answer_any(self) -> None:
        parts = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        first, _, rest = parts.path.strip("/").partition("/")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        getattr(self, "give_" + first, self.give_nothing)(rest, body)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_OPTIONS = do_PATCH = answer_any

    def give_echo(self, rest: str, body: bytes) -> None:
        told = {"method": self.command, "path": self.path, "headers": dict(self.headers.items()),
                "body": body.decode("latin-1")}
        self.answer(200, json.dumps(told).encode(), {"Content-Type": "application/json; charset=utf-8"})

    def give_nothing(self, rest: str, body: bytes) -> None:
        self.answer(404, b"nothing here", {"Content-Type": "text/plain"})

    def give_status(self, rest: str, body: bytes) -> None:
        self.answer(int(rest), b"as asked" if rest not in ("204", "304") else b"")

    def give_to(self, rest: str, body: bytes) -> None:
        self.answer(int(rest), b"moved", {"Location": self.query["url"]})

    def give_private(self, rest: str, body: bytes) -> None:
        if self.headers.get("Authorization") == BASIC:
            self.give_echo(rest, body)
        else:
            self.answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})

    def give_hidden(self, rest: str, body: bytes) -> None:
        if self.headers.get("Authorization") == BASIC:
            self.give_echo(rest, body)
        else:
            self.answer(404, b"")

    def give_headers(self, rest: str, body: bytes) -> None:
        self.answer(200, b"", self.query)

    def give_cookies(self, rest: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Set-Cookie", "Foo=bar")
        self.send_header("Set-Cookie", "Baz=qux")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def give_raw(self, rest: str, body: bytes) -> None:
        self.answer(200, self.query.get("body", "").encode("latin-1"), {"Content-Type": self.query["type"]})

    def give_gzip(self, rest: str, body: bytes) -> None:
        self.answer(200, gzip.compress(b'{"packed": true}'),
                    {"Content-Type": "application/json", "Content-Encoding": "gzip"})

    def give_short(self, rest: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"not all")

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def address_string(self) -> str:
        return "client"

    def log_message(self, *args: Any) -> None:
        pass


class _SocketServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@contextmanager
def echoing(socket_path: str | None = None) -> Iterator[str]:
    """The server's URL; over ``socket_path`` that of any host."""
    server: socketserver.BaseServer
    if socket_path:
        server, url = _SocketServer(socket_path, Echo), "http://anything"
    else:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
        url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()
