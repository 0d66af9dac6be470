"""Doubles of what notifications are sent to over HTTP."""

from __future__ import annotations

import http.server
import ssl
import threading

from msgspec import Struct, field


class Got(Struct):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class WebServerDouble:
    """Answers every request with the next of ``answers`` (200 when they are over), and keeps what came."""

    def __init__(self, *answers: int, context: ssl.SSLContext | None = None,
                 headers: dict[str, str] | None = None) -> None:
        self.answers, self.headers = list(answers), headers or {}
        self.got: list[Got] = []
        double = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("content-length", 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                double.got.append(Got(self.command, self.path, headers, self.rfile.read(length)))
                self.send_response(double.answers.pop(0) if double.answers else 200)
                for name, value in double.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            do_GET = do_POST = do_HEAD = answer

            def log_message(self, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *args: None  # type: ignore[method-assign]
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Certificate(Struct):
    """For localhost, signed by itself; who trusts it sets SSL_CERT_FILE."""

    path: str
    context: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
