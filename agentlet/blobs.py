"""Files between controller and host, by hash, in chunks under a credit window, in flat memory.

Both ends of a transfer use a link: an object with ``blob_chunks(ref)`` (yields bytes), ``open_upload(path, size,
mode)``, ``send_chunk(stream, offset, data, last)`` and ``event(kind, **fields)``. `LocalLink` is the one without a
controller, for tests and for whoever runs modules in-process.
"""

import os
import stat

from agentlet import digests, files
from agentlet.wire import CHUNK_BYTES
from modules.api import Failed


def check_ref(ref):
    """The digest and size of ``{"blob": sha256 hex, "size": n}``; `Failed` when it is anything else."""
    digest = ref.get("blob") if isinstance(ref, dict) else None
    size = ref.get("size") if isinstance(ref, dict) else None
    if not isinstance(digest, str) or len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise Failed("bad_blob", "This is no reference to a file's contents: %r" % (ref,))
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise Failed("bad_blob", "The reference to blob %s names no size" % digest)
    return digest, size


def receive(chunks, ref, write):
    """Hands every chunk to ``write``; `Failed` unless size and SHA-256 are as announced at the end."""
    digest, size = check_ref(ref)
    seen, hashed = 0, digests.new("sha256", size)
    try:
        for data in chunks:
            seen += len(data)
            if seen > size:
                raise Failed("blob_damaged", "More than the announced %d bytes came for blob %s" % (size, digest))
            hashed.update(data)
            write(data)
    finally:
        # Now rather than when the generator is collected: it may have to take what is still under way.
        getattr(chunks, "close", int)()
    if seen != size or hashed.hexdigest() != digest:
        raise Failed("blob_damaged", "What arrived is not what was announced (%d of %d bytes, SHA-256 %s, not %s)"
                     % (seen, size, hashed.hexdigest(), digest), "Did the source file change while it was read?")


def receive_file(chunks, ref, fd, path):
    """Receives into an open temp file and syncs it; a full disk is ``no_space``, if possible before it begins."""
    _, size = check_ref(ref)
    space = os.fstatvfs(fd)
    free = space.f_frsize * (space.f_bfree if os.geteuid() == 0 else space.f_bavail)
    if size > free:
        raise Failed("no_space", "%d bytes are needed beside %s, and %d are free" % (size, path, free),
                     "Free some space (df -h) and run again")
    try:
        receive(chunks, ref, lambda data: files.write_all(fd, data))
        os.fsync(fd)
    except OSError as error:
        raise files.failed(error, path, "write")


def send_file(link, path):
    """Uploads a regular file as it is now; ``{"stream", "size", "sha256"}`` of what was sent."""
    fd = _open_source(path)
    try:
        info = os.fstat(fd)
        stream = link.open_upload(path, info.st_size, stat.S_IMODE(info.st_mode))
        hashed, offset = digests.new("sha256", info.st_size), 0
        while True:
            data = os.read(fd, CHUNK_BYTES)
            hashed.update(data)
            link.send_chunk(stream, offset, data, not data)
            offset += len(data)
            if not data:
                return {"stream": stream, "size": offset, "sha256": hashed.hexdigest()}
    except OSError as error:
        raise files.failed(error, path, "read")
    finally:
        os.close(fd)


def _open_source(path):
    try:
        # Never block on a FIFO that someone put in place of a file.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise files.failed(error, path, "read")
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise Failed("not_a_file", "%s is not a regular file" % path)
    return fd


class LocalLink(object):
    """A link to nobody: blobs come from files named by digest, uploads go into a directory, events into a list."""

    def __init__(self, blobs=None, uploads_dir=None):
        self._blobs = dict(blobs or {})
        self._uploads_dir = uploads_dir
        self._streams = {}
        self.events = []

    def event(self, kind, **fields):
        self.events.append(dict(fields, kind=kind))

    def blob_chunks(self, ref):
        source = self._blobs.get(ref["blob"])
        if source is None:
            raise Failed("blob_unavailable", "Nobody offers blob %s" % ref["blob"])
        if isinstance(source, bytes):
            yield source
            return
        with open(source, "rb") as opened:
            for data in iter(lambda: opened.read(CHUNK_BYTES), b""):
                yield data

    def open_upload(self, path, size, mode):
        if self._uploads_dir is None:
            raise Failed("no_upload", "There is nobody to upload %s to" % path)
        stream = "upload-%d" % (len(self._streams) + 1)
        self._streams[stream] = os.path.join(str(self._uploads_dir), stream)
        return stream

    def send_chunk(self, stream, offset, data, last):
        with open(self._streams[stream], "ab") as opened:
            opened.write(data)
