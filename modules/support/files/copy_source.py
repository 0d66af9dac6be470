"""Where a file's new contents come from: bytes in hand, a blob that the controller offers, a file on the host."""

import os

from agentlet import digests
from modules.api import Failed
from modules.support.files.placement import DIFF_LIMIT_BYTES, copy_stream, diff_text


class Contents(object):
    """Bytes in hand."""

    def __init__(self, data):
        self.data = data
        self.size = len(data)

    def digest(self, host):
        return digests.hex_of("sha256", self.data)

    def shown(self, host):
        return diff_text(self.data)

    def temp(self, folder, host):
        """The path of a 0600 temp file in ``folder`` that holds the contents."""
        path = host.tempfile(dir=folder)
        with open(path, "wb") as file:
            file.write(self.data)
        return path


class Blob(object):
    """Contents that the controller sends when they are asked for; until then only hash and size are known."""

    def __init__(self, ref):
        self.ref = {"blob": ref.get("blob"), "size": ref.get("size")}
        if not isinstance(self.ref["blob"], str) or not isinstance(self.ref["size"], int):
            raise Failed("bad_arguments", "src is no reference to a file of the controller")
        self.size = self.ref["size"]

    def digest(self, host):
        return self.ref["blob"]

    def shown(self, host):
        if self.size > DIFF_LIMIT_BYTES:
            return "({} bytes, too large to show)\n".format(self.size)
        return diff_text(host.blob_bytes(self.ref, DIFF_LIMIT_BYTES))

    def temp(self, folder, host):
        return host.blob_file(self.ref, folder)


class HostFile(object):
    """A file that is on the host already."""

    def __init__(self, path):
        self.path = path
        self.size = os.path.getsize(path)

    def digest(self, host):
        return host.digest(self.path)

    def shown(self, host):
        return diff_of_file(self.path, host)

    def temp(self, folder, host):
        path = host.tempfile(dir=folder)
        with open(self.path, "rb") as source, open(path, "wb") as target:
            copy_stream(source, target)
        return path


def diff_of_file(path, host):
    """A file on the host as one side of a diff."""
    size = os.path.getsize(path)
    if size > DIFF_LIMIT_BYTES:
        return "({} bytes, too large to show)\n".format(size)
    return diff_text(host.read(path))


def same(source, path, host):
    """Whether ``path`` is a plain file that holds the source's bytes already. Reads it only when the size is right."""
    if os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) != source.size:
        return False
    return host.digest(path) == source.digest(host)
