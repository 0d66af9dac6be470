"""What is in an archive, the same for zip and tar: members with names that cannot lead out of the destination.

`opened` gives an archive with ``handler`` (Ansible's name for the kind), ``members()`` (any number of times, in the
archive's order) and ``stream(member)``. A member that would land, or lead, outside is refused before anything is
written: absolute names, ``..``, links that point out, devices (CVE-2020-10691, CVE-2023-5115 and their kin).
"""

import lzma
import os
import posixpath
import stat
import tarfile
import time
import zipfile
import zlib

from modules.api import Failed
from modules.support.files.mode import umask

MEMBERS_LIMIT = 1000000
TARGET_LIMIT_BYTES = 4096
BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)


class Member(object):
    """One entry. ``kind``: file, dir, link (symbolic), hard. ``name`` relative and clean; ``mode`` permission bits."""

    __slots__ = ("name", "kind", "mode", "size", "mtime", "owner", "group", "target", "crc", "raw")

    def __init__(self, name, kind, mode, size, mtime, owner, group, target, crc, raw):
        self.name = name
        self.kind = kind
        self.mode = mode
        self.size = size
        self.mtime = mtime
        self.owner = owner
        self.group = group
        self.target = target
        self.crc = crc
        self.raw = raw


class Zip(object):
    handler = "ZipArchive"

    def __init__(self, path):
        self._zip = zipfile.ZipFile(path)

    def members(self):
        _bounded(len(self._zip.infolist()))
        for info in self._zip.infolist():
            if info.flag_bits & 1:
                raise Failed("encrypted", "{} in the archive is encrypted".format(info.filename))
            mode = info.external_attr >> 16
            kind = "dir" if info.filename.endswith("/") else "link" if stat.S_ISLNK(mode) else "file"
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
                raise Failed("path_denied", "refusing {}: it is a device or a pipe".format(info.filename))
            target = None
            if kind == "link":
                with self._zip.open(info) as file:
                    target = os.fsdecode(file.read(TARGET_LIMIT_BYTES))
            default = 0o777 if kind == "dir" else 0o666
            bits = mode & 0o777 if mode & 0o777 else default & ~umask()
            yield Member(info.filename, kind, bits, info.file_size, _zip_time(info), None, None, target, info.CRC, info)

    def stream(self, member):
        return self._zip.open(member.raw)

    def close(self):
        self._zip.close()


class Tar(object):
    HANDLERS = {"gz": "TgzArchive", "bz2": "TarBzipArchive", "xz": "TarXzArchive"}

    def __init__(self, path, handler=None):
        self._path = path
        self._tar = tarfile.open(path, "r:*", encoding="utf-8", errors="surrogateescape")
        self.handler = handler or self.HANDLERS.get(_compression(path), "TarArchive")

    def members(self):
        count = 0
        for info in self._tar:
            count += 1
            _bounded(count)
            kind = _tar_kind(info)
            target = info.linkname if kind in ("link", "hard") else None
            owner, group = (info.uname or info.uid, info.uid), (info.gname or info.gid, info.gid)
            yield Member(info.name, kind, info.mode & 0o7777, info.size, info.mtime, owner, group, target, None, info)

    def stream(self, member):
        return self._tar.extractfile(member.raw)

    def close(self):
        self._tar.close()


def opened(path, host):
    """The `Zip` or `Tar` for a file. Raises `Failed` with code ``no_handler`` for what is neither."""
    handler = None
    try:
        with open(path, "rb") as file:
            start = file.read(4)
        if start == b"\x28\xb5\x2f\xfd":
            path, handler = _unpacked_zstd(path, host), "TarZstdArchive"
        return Zip(path) if zipfile.is_zipfile(path) and start[:2] == b"PK" else Tar(path, handler)
    except BROKEN + (OSError,) as error:
        if isinstance(error, EOFError):
            raise Failed("damaged", "the archive {} is damaged: {}".format(path, error))
        said = "Failed to find handler for \"{}\": it is neither a zip nor a tar archive ({})".format(path, error)
        raise Failed("no_handler", said,
                     "tar may be packed by gzip, bzip2, xz or zstd; a single packed file is no archive")


def cleaned(member, strip=0, root=None):
    """The member with a name relative to the destination, ``strip`` leading folders taken off; None when none is left.

    Raises `Failed` (``path_denied``) for a name or a link that leads out. An absolute link may lead into ``root``.
    """
    member.name = _inside(member.name, member.name, strip)
    if not member.name:
        return None
    if member.kind == "hard":
        member.target = _inside(member.target, member.name, strip)
    elif member.kind == "link":
        led = posixpath.normpath(posixpath.join(posixpath.dirname(member.name), member.target or ""))
        leads_in = root and led.startswith(posixpath.normpath(root).rstrip("/") + "/")
        if not member.target or (led.startswith("/") and not leads_in) or led == ".." or led.startswith("../"):
            raise Failed("path_denied", "refusing {}: its link to {} leads out of the destination".format(
                member.name, member.target))
    return member


def _inside(name, shown, strip):
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise Failed("path_denied", "refusing {!r}: it leads out of the destination".format(shown))
    return "/".join([part for part in parts if part not in ("", ".")][strip:])


def _tar_kind(info):
    for kind, is_it in (("file", info.isreg()), ("dir", info.isdir()), ("link", info.issym()), ("hard", info.islnk())):
        if is_it:
            return kind
    raise Failed("path_denied", "refusing {}: it is a device or a pipe".format(info.name))


def _bounded(count):
    if count > MEMBERS_LIMIT:
        raise Failed("too_large", "the archive has more than {} members".format(MEMBERS_LIMIT))


def _zip_time(info):
    try:
        return time.mktime(info.date_time + (0, 0, -1))
    except (ValueError, OverflowError):
        return time.time()


def _compression(path):
    with open(path, "rb") as file:
        start = file.read(6)
    if start[:2] == b"\x1f\x8b":
        return "gz"
    return "bz2" if start[:3] == b"BZh" else "xz" if start == b"\xfd7zXZ\0" else None


def _unpacked_zstd(path, host):
    """A temp file with the tar inside; the standard library has no zstd before 3.14, so the host's tool is used."""
    tool = host.which("zstd") or host.which("unzstd")
    if tool is None:
        raise Failed("no_handler", "{} is packed by zstd, and this host has no zstd to unpack it".format(path),
                     "Install the package zstd before this task")
    temp = host.tempfile(suffix=".tar")
    done = host.run([tool, "-d", "-q", "-f", "-o", temp, "--", path])
    if done.rc != 0:
        raise Failed("no_handler", "zstd cannot unpack {}: {}".format(path, done.stderr.strip()))
    return temp
