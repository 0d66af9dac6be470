"""`git http-backend` behind TLS and a password: what a forge is to a fetch."""

from __future__ import annotations

import base64
import ipaddress
import os
import ssl
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class GitServer:
    """Serves the repositories below a folder to whoever has the token. ``seen``: who asked, as whom."""

    def __init__(self, folder: Path, username: str, token: str, scratch: Path, redirect: str = "") -> None:
        self.folder, self.redirect = folder, redirect
        self.wanted = "Basic " + base64.b64encode(f"{username}:{token}".encode()).decode()
        self.seen: list[tuple[str, str]] = []
        self.during = threading.Event()
        """Set when somebody with the token has asked."""
        self.go_on = threading.Event()
        self.go_on.set()
        self.certificate = scratch / "server.pem"
        key = scratch / "server.key"
        _make_certificate(self.certificate, key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(outer) -> type[BaseHTTPRequestHandler]:  # noqa: N805  the handler is self here
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer()

            do_POST = do_GET

            def log_message(self, *_: object) -> None: ...

            def answer(self) -> None:
                shown = self.headers.get("Authorization", "")
                outer.seen.append((self.path, shown))
                if outer.redirect:
                    self.send_response(302)
                    self.send_header("Location", outer.redirect + self.path)
                    self.end_headers()
                    return
                if shown != outer.wanted:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="git"')
                    self.end_headers()
                    return
                outer.during.set()
                outer.go_on.wait(20)
                self.serve()

            def serve(self) -> None:
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                done = subprocess.run(
                    ["git", "-c", "safe.directory=*", "http-backend"], input=body, capture_output=True, timeout=30,
                    env={"PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(outer.folder), "PATH_INFO": path,
                         "GIT_HTTP_EXPORT_ALL": "1", "QUERY_STRING": query, "REQUEST_METHOD": self.command,
                         "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
                         "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "REMOTE_USER": "x"})
                head, _, content = done.stdout.partition(b"\r\n\r\n")
                fields = [line.decode().partition(": ")[::2] for line in head.split(b"\r\n")]
                status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
                self.send_response(status)
                for name, value in fields:
                    if name != "Status":
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        return Handler


def _make_certificate(path: Path, key_path: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256()))
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
