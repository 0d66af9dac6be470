"""What the gateway has by digest, kept on disk: modules' sources, and files for tasks."""

import os
import threading

from agentlet import files
from agentlet.digests import sha256
from agentlet.pull.faults import AgentletError
from agentlet.pull.gateway import LARGEST_PIECE
from agentlet.pull.state import new_temp

LIMIT_BYTES = 512 * 1024 * 1024


class BlobDamaged(AgentletError):
    """What came under a digest is something else."""

    code = "blob_damaged"


class Cache(object):
    """``fetch`` gives chunks: ``fetch(digest, offset, size) -> bytes``. The least used go when it grows too large."""

    def __init__(self, state, limit_bytes=LIMIT_BYTES):
        self._root = state.path("cache")
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._under_way = {}
        os.makedirs(self._root, mode=0o700, exist_ok=True)
        for name in os.listdir(self._root):
            if name.startswith(".orch-"):
                os.unlink(os.path.join(self._root, name))

    def open(self, digest, size, fetch):
        """A file opened for reading, its digest proved. Two threads that want the same wait for one transfer."""
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise BlobDamaged("%r is no digest" % (digest,))
        path = os.path.join(self._root, digest)
        with self._lock:
            own = self._under_way.setdefault(digest, threading.Lock())
        with own:
            try:
                opened = open(path, "rb")
                os.utime(path)
                return opened
            except FileNotFoundError:
                self._fetch(path, digest, size, fetch)
        return open(path, "rb")

    def read(self, digest, size, fetch):
        """All of a small one."""
        with self.open(digest, size, fetch) as opened:
            return opened.read()

    def _fetch(self, path, digest, size, fetch):
        self._make_room(size)
        fd, temp = new_temp(self._root)
        try:
            seen, hashed = 0, sha256()
            while seen < size:
                data = fetch(digest, seen, min(LARGEST_PIECE, size - seen))
                if not data or len(data) > size - seen:
                    raise BlobDamaged("Blob %s has not the %d bytes that were announced" % (digest, size))
                hashed.update(data)
                files.write_all(fd, data)
                seen += len(data)
            if hashed.hexdigest() != digest:
                raise BlobDamaged("What came as blob %s is something else" % digest)
            os.fsync(fd)
            os.rename(temp, path)
        except BaseException:
            files.discard(temp)
            raise
        finally:
            os.close(fd)

    def _make_room(self, size):
        with self._lock:
            entries = []
            for name in os.listdir(self._root):
                if not name.startswith("."):
                    info = os.stat(os.path.join(self._root, name))
                    entries.append((info.st_mtime, info.st_size, name))
            for name in oldest(entries, self._limit - size):
                os.unlink(os.path.join(self._root, name))


def oldest(entries, limit_bytes):
    """Names to remove so that the rest fits: pure. ``entries``: (last used, size, name)."""
    total, names = sum(size for _, size, _ in entries), []
    for _, size, name in sorted(entries):
        if total <= limit_bytes:
            break
        total -= size
        names.append(name)
    return names
