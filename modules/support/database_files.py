"""Dumps of databases as files: compressed or not, by the end of the name."""

import os
import shutil

from modules.api import Failed

CHUNK_BYTES = 1 << 18


def opener(path):
    """The function that opens a compressed file, None for a plain one."""
    suffix = os.path.splitext(path)[1]
    if suffix == ".gz":
        import gzip
        return gzip.open
    if suffix == ".bz2":
        import bz2
        return bz2.open
    if suffix == ".xz":
        import lzma
        return lzma.open
    return None


def is_compressed(path):
    return path.endswith(".zst") or opener(path) is not None


def pack(plain, target, host):
    """A compressed copy beside the target, or the plain file itself."""
    if not is_compressed(target):
        return plain
    made = host.tempfile(os.path.dirname(target) or ".")
    if target.endswith(".zst"):
        zstd(host, "-q", "-f", plain, "-o", made)
        return made
    with open(plain, "rb") as source, opener(target)(made, "wb") as sink:
        shutil.copyfileobj(source, sink, CHUNK_BYTES)
    return made


def unpack(path, host):
    """The path of the plain file: the file itself, or a temp file."""
    if not os.path.exists(path):
        raise Failed("no_path", "target {} does not exist on the host".format(path))
    if not is_compressed(path):
        return path
    made = host.tempfile()
    if path.endswith(".zst"):
        zstd(host, "-q", "-d", "-f", path, "-o", made)
        return made
    try:
        with opener(path)(path, "rb") as source, open(made, "wb") as sink:
            shutil.copyfileobj(source, sink, CHUNK_BYTES)
    except (OSError, EOFError) as error:
        raise Failed("bad_archive", "{} cannot be unpacked: {}".format(path, error))
    return made


def zstd(host, *words):
    done = host.run(["zstd"] + list(words))
    if done.rc != 0:
        raise Failed("bad_archive", "zstd: {}".format(done.stderr.strip()))
