"""A real HTTP server on loopback for the tests of what downloads: files, dates, redirects, passwords, broken bodies."""

from __future__ import annotations

import base64
import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Web:
    """``files``: path -> bytes. ``seen``: (path, headers) of every request. ``modified``: their date (epoch s)."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.modified = 1_000_000_000.0
        self.url = ""


@contextmanager
def serving() -> Iterator[Web]:
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.seen.append((self.path, dict(self.headers)))
            first, _, rest = self.path.strip("/").partition("/")
            special = getattr(self, "give_" + first, None)
            if special is not None:
                special(rest)
            else:
                self.give(self.path)

        def give(self, path: str) -> None:
            data = web.files.get(path)
            since = self.headers.get("If-Modified-Since")
            if data is None:
                self.send_error(404, "File not found")
            elif since and parsedate_to_datetime(since).timestamp() >= web.modified:
                self.answer(304, b"")
            else:
                self.answer(200, data, {"Last-Modified": formatdate(web.modified, usegmt=True)})

        def give_moved(self, rest: str) -> None:
            self.answer(302, b"", {"Location": "/" + rest})

        def give_elsewhere(self, rest: str) -> None:
            self.answer(302, b"", {"Location": web.url.replace("127.0.0.1", "localhost") + "/" + rest})

        def give_private(self, rest: str) -> None:
            if self.headers.get("Authorization") != "Basic " + base64.b64encode(b"ann:s3cret").decode():
                self.answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
            else:
                self.give("/" + rest)

        def give_short(self, rest: str) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"not all")

        def give_gzip(self, rest: str) -> None:
            self.answer(200, gzip.compress(web.files["/" + rest]), {"Content-Encoding": "gzip"})

        def give_named(self, rest: str) -> None:
            self.answer(200, b"named", {"Content-Disposition": 'attachment; filename="../../evil"'})

        def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    web.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
