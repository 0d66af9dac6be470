"""What the tasks of a mix fetch from elsewhere: an archive, a git repository, and a file behind HTTP on loopback."""

from __future__ import annotations

import functools
import io
import os
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RELEASE = {"bin/app": (0o755, "#!/bin/sh\nexec echo app 1.4\n"), "share/notes": (0o644, "notes\n" * 200),
           "VERSION": (0o644, "1.4\n")}
"""Path in the archive -> (mode, content)."""

SOURCES = {"README": "the sources\n", "Makefile": "all:\n\ttrue\n"}
DOWNLOAD = "".join(f"line {n} of what is downloaded\n" for n in range(2000))
BRANCH = "main"


@contextmanager
def supplied(folder: Path) -> Iterator[dict[str, str]]:
    """Make them below ``folder`` and serve them; yields the inventory variables that say where they are."""
    served = folder / "served"
    served.mkdir(parents=True)
    (served / "payload.txt").write_text(DOWNLOAD)
    archive = folder / "release.tar.gz"
    _pack(archive)
    repository = folder / "sources.git"
    _commit(folder / "tree", repository)
    with _web_server(served) as port:
        yield {"archive": str(archive), "repository": str(repository),
               "download_url": f"http://127.0.0.1:{port}/payload.txt"}


def _pack(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, (mode, content) in RELEASE.items():
            member = tarfile.TarInfo(name)
            member.mode, member.size, member.mtime = mode, len(content), 1_700_000_000
            archive.addfile(member, io.BytesIO(content.encode()))


def _commit(tree: Path, repository: Path) -> None:
    tree.mkdir()
    for name, content in SOURCES.items():
        (tree / name).write_text(content)
    _git(tree, "init", "--quiet", f"--initial-branch={BRANCH}")
    _git(tree, "add", ".")
    _git(tree, "commit", "--quiet", "--message", "sources")
    _git(tree, "clone", "--quiet", "--bare", str(tree), str(repository))


def _git(folder: Path, *arguments: str) -> None:
    who = {f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER")
           for field, value in (("NAME", "bench"), ("EMAIL", "bench@example.org"))}
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *arguments], cwd=folder, env={"PATH": os.environ["PATH"], **who, **alone}, check=True,
                   stdin=subprocess.DEVNULL, timeout=60)


@contextmanager
def _web_server(folder: Path) -> Iterator[int]:
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """No line per request."""
