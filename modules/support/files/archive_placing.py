"""Puts an archive's members in place below a destination: compares each with what is there, writes what differs."""

import fnmatch
import os
import stat
import zlib

from modules.api import Failed
from modules.support.files.attributes import Planned, group_id, put, user_id
from modules.support.files.mode import parse_mode, umask

CHUNK_BYTES = 1 << 18
LISTED = 1000


def wanted_names(args):
    """A predicate by include and exclude; a pattern stands for everything below what it matches, too."""
    include, exclude = args["include"], args["exclude"]

    def wanted(name):
        return (not include or _matches(name, include)) and not _matches(name, exclude)

    return wanted


class Placing(object):
    """``changed``: what was (in check mode: would be) written, as lines of rsync's kind, at most 1000."""

    def __init__(self, dest, args, same_owner, host):
        self.dest = dest
        self.root = os.path.realpath(dest)
        self.args = args
        self.host = host
        self.changed = []
        self.mask = 0 if host.uid == 0 else umask()
        self.keeps_owner = same_owner and host.uid == 0
        self.uid, self.gid = user_id(args["owner"]), group_id(args["group"])
        self._late = []
        self._ids = {}

    def check_room(self, size):
        """Refuse before the first byte what can never fit; what is there may be replaced, so only a sure no counts."""
        room = os.statvfs(self.dest)
        if size > room.f_blocks * room.f_frsize:
            raise Failed("no_space", "{} is too small for the archive's {} bytes".format(self.dest, size))

    def bring(self, member, archive):
        """Put one member in place, unless it is there as it should be."""
        path = os.path.join(self.dest, member.name)
        self._refuse_detour(path)
        now = _lstat(path)
        planned = self._attributes(member, now)
        same = self._is_same(member, path, now, archive)
        if same and not planned.changed:
            return
        if same is None:
            return  # keep_newer
        if len(self.changed) < LISTED:
            self.changed.append("{} {}{}".format("attributes" if same else "contents", member.name,
                                                 "/" if member.kind == "dir" else ""))
        if self.host.check_mode:
            return
        if not same:
            getattr(self, "_make_" + member.kind)(member, path, now, archive)
        if member.kind == "dir":
            self._late.append((path, planned, not same))
        elif member.kind != "hard":
            put(path, planned, self.host, created=not same)

    def finish(self):
        """Modes of folders come last and from the leaves up: one that closes a folder would keep its files out."""
        for path, planned, created in reversed(self._late):
            put(path, planned, self.host, created=created)

    def _attributes(self, member, now):
        uid, gid = self.uid, self.gid
        if self.keeps_owner and member.owner is not None:
            uid = self._id(user_id, member.owner) if uid is None else uid
            gid = self._id(group_id, member.group) if gid is None else gid
        mode = member.mode & ~self.mask
        if self.args["mode"] is not None:
            mode = parse_mode(self.args["mode"], mode, member.kind == "dir")
        planned = Planned(None if member.kind == "link" else mode, uid, gid)
        if now is not None:
            planned.identity = (now.st_dev, now.st_ino)
            wanted = (uid, gid, planned.mode)
            have = (now.st_uid, now.st_gid, stat.S_IMODE(now.st_mode))
            if any(want is not None and want != has for want, has in zip(wanted, have)):
                planned.after["differs"] = True
        return planned

    def _is_same(self, member, path, now, archive):
        """True, False, or None when a newer file is to be kept."""
        if now is None:
            return False
        if member.kind == "dir":
            if not stat.S_ISDIR(now.st_mode):
                raise Failed("wrong_type", "{} is in the way: it should be a directory".format(path))
            return True
        if stat.S_ISDIR(now.st_mode):
            raise Failed("wrong_type", "{} is a directory, and a file in the archive".format(path))
        if member.kind == "link":
            return stat.S_ISLNK(now.st_mode) and os.readlink(path) == member.target
        if member.kind == "hard":
            target = _lstat(os.path.join(self.dest, member.target))
            return target is not None and os.path.samestat(now, target)
        if self.args["keep_newer"] and now.st_mtime > member.mtime:
            return None
        if not stat.S_ISREG(now.st_mode) or now.st_size != member.size:
            return False
        return _crc(path) == member.crc if member.crc is not None else _equal(path, archive.stream(member))

    def _make_dir(self, member, path, now, archive):
        os.makedirs(path, 0o700 if self.args["mode"] is None else 0o755, exist_ok=True)

    def _make_file(self, member, path, now, archive):
        source = archive.stream(member)
        with Beside(path) as temp:
            with os.fdopen(os.open(temp.path, temp.FLAGS, 0o600), "wb") as target:
                for data in iter(lambda: source.read(CHUNK_BYTES), b""):
                    target.write(data)
            os.utime(temp.path, (member.mtime, member.mtime))

    def _make_link(self, member, path, now, archive):
        with Beside(path) as temp:
            os.symlink(member.target, temp.path)

    def _make_hard(self, member, path, now, archive):
        target = os.path.join(self.dest, member.target)
        self._refuse_detour(target)
        if not os.path.isfile(target) or os.path.islink(target):
            raise Failed("damaged", "{} is a hard link to {}, which is not there".format(member.name, member.target))
        with Beside(path) as temp:
            os.link(target, temp.path, follow_symlinks=False)

    def _refuse_detour(self, path):
        """A link on the way must not lead out of the destination, whoever made it."""
        folder = os.path.realpath(os.path.dirname(path))
        if folder != self.root and not folder.startswith(self.root.rstrip("/") + "/"):
            raise Failed("path_denied", "refusing {}: a link on the way leads out of {}".format(path, self.dest))

    def _id(self, look_up, named):
        """By name where this host knows it, else by the archive's number, as tar does it."""
        key = (look_up, named)
        if key not in self._ids:
            try:
                self._ids[key] = look_up(named[0])
            except Failed:
                self._ids[key] = named[1]
        return self._ids[key]


class Beside(object):
    """A name beside ``path`` that nobody can guess; at the end of the block it is renamed to ``path``, or removed."""

    FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

    def __init__(self, path):
        self.final = path
        self.path = os.path.join(os.path.dirname(path), ".orch-" + os.urandom(8).hex())
        os.makedirs(os.path.dirname(path), exist_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                os.rename(self.path, self.final)
        finally:
            if os.path.lexists(self.path):
                os.unlink(self.path)
        if isinstance(error, OSError) and error.errno == 28:
            raise Failed("no_space", "No space left to write {}".format(self.final))


def _matches(name, patterns):
    parts = name.split("/")
    heads = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return any(fnmatch.fnmatchcase(head, pattern.rstrip("/")) for pattern in patterns for head in heads)


def _crc(path):
    value = 0
    with open(path, "rb") as file:
        for data in iter(lambda: file.read(CHUNK_BYTES), b""):
            value = zlib.crc32(data, value)
    return value & 0xFFFFFFFF


def _equal(path, stream):
    with open(path, "rb") as file:
        while True:
            data = stream.read(CHUNK_BYTES)
            if data != file.read(len(data) if data else 1):
                return False
            if not data:
                return True


def _lstat(path):
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
