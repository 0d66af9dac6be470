"""Doubles of what notifications are sent to: a mail server that speaks SMTP with STARTTLS and TLS, and a web server."""

from __future__ import annotations

import base64
import http.server
import socketserver
import ssl
import threading
from collections.abc import Callable
from typing import Any

from msgspec import Struct, field


class Mail(Struct):
    sender: str
    recipients: list[str]
    data: str
    was_tls: bool
    user: str


class MailServerDouble(socketserver.ThreadingTCPServer):
    """Takes mail as RFC 5321 has it, as far as a client of ours goes. ``password``: AUTH is wanted, under TLS only."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None, *, tls_at_once: bool = False, password: str = "",
                 refuse: Callable[[str], str | None] = lambda line: None) -> None:
        self.context, self.tls_at_once, self.password, self.refuse = context, tls_at_once, password, refuse
        self.mails: list[Mail] = []
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.port: int = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that goes away, as one that refuses our certificate does


class _Smtp(socketserver.BaseRequestHandler):
    server: MailServerDouble

    def handle(self) -> None:
        self.is_tls = self.server.tls_at_once
        if self.is_tls:
            self._wrap()
        self._file = self.request.makefile("rwb")
        self.user, self.sender, self.recipients = "", "", list[str]()
        self._say("220 double ESMTP")
        while line := self._file.readline().decode("latin-1").strip():
            refused = self.server.refuse(line)
            if refused:
                self._say(refused)
            elif not self._act(line):
                return

    def _act(self, line: str) -> bool:
        verb = line.split(":")[0].split()[0].upper()
        if verb in ("EHLO", "HELO"):
            offers = ["double"]
            if self.server.context and not self.is_tls:
                offers.append("STARTTLS")
            if self.server.password and self.is_tls:
                offers.append("AUTH PLAIN")
            for number, offer in enumerate(offers):
                self._say(f"250{'-' if number < len(offers) - 1 else ' '}{offer}")
        elif verb == "STARTTLS":
            self._say("220 go on")
            self._wrap()
            self.is_tls = True
            self._file = self.request.makefile("rwb")
        elif verb == "AUTH":
            _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
            if password == self.server.password:
                self.user = user
                self._say("235 well")
            else:
                self._say(f"535 no such password: {password}")
        elif verb == "MAIL" and self.server.password and not self.user:
            self._say("530 log in first")
        elif verb == "MAIL":
            self.sender = line.split("<")[1].split(">")[0]
            self._say("250 well")
        elif verb == "RCPT":
            self.recipients.append(line.split("<")[1].split(">")[0])
            self._say("250 well")
        elif verb == "DATA":
            self._say("354 go on")
            lines = []
            while (read := self._file.readline()) not in (b".\r\n", b""):
                lines.append(read.decode())
            self.server.mails.append(Mail(self.sender, self.recipients, "".join(lines), self.is_tls, self.user))
            self._say("250 taken")
        elif verb == "QUIT":
            self._say("221 good bye")
            return False
        else:
            self._say("250 well")
        return True

    def _wrap(self) -> None:
        assert self.server.context is not None
        self.request = self.server.context.wrap_socket(self.request, server_side=True)

    def _say(self, text: str) -> None:
        self._file.write(text.encode() + b"\r\n")
        self._file.flush()


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
