"""New contents for a file, put in place as all file modules do it: backed up, validated, one rename, attributes."""

import errno
import os
import re
import shlex
import stat
import time

from agentlet import digests
from modules.api import Arg, Failed
from modules.support.files.attributes import FILE_ARGS, put

DIFF_LIMIT_BYTES = 100 * 1024
BACKUP_ARG = Arg("bool", "Keep the old file under a name with the time of day, and return it.", default=False)
VALIDATE_ARG = Arg("str", "Command that must accept the new file, whose path stands for %s, before it is used.")
PLACE_ARGS = dict(FILE_ARGS, backup=BACKUP_ARG, validate=VALIDATE_ARG)


def place_bytes(path, data, planned, args, host):
    """Give ``path`` the contents ``data`` (bytes). Returns {"backup_file": …} when one was made.

    The old file stands untouched until the new one is complete, validated and synced. Raises `Failed`
    (``validation``, ``no_space``, ``permission_denied`` …).
    """
    temp = host.tempfile(dir=os.path.dirname(path) or ".")
    try:
        with open(temp, "wb") as file:
            file.write(data)
            file.flush()
    except OSError as error:
        raise Failed("write", "cannot write to {}: {}".format(os.path.dirname(path) or ".", error.strerror))
    return place_file(path, temp, planned, args, host)


def place_file(path, temp, planned, args, host):
    """Move ``temp``, which lies beside ``path``, into its place; otherwise as `place_bytes`."""
    values = {}
    if args.get("validate"):
        validate(args["validate"], temp, host)
    if args.get("backup") and os.path.lexists(path):
        values["backup_file"] = back_up(path)
    host.replace(temp, path, mode=planned.mode, owner=planned.uid, group=planned.gid,
                 unsafe=bool(args.get("unsafe_writes")))
    put(path, planned, host, created=True)
    return values


def check_validate(args):
    """Refuse a ``validate`` that names no file, before anything is looked at."""
    if args.get("validate") and "%s" not in args["validate"]:
        raise Failed("bad_arguments", "validate must contain %s: {}".format(args["validate"]))


def validate(template, temp, host):
    """Run the command on ``temp``, without a shell. Raises `Failed` with code ``validation`` unless it exits with 0."""
    try:
        argv = [re.sub("%[s%]", lambda found: temp if found.group() == "%s" else "%", part)
                for part in shlex.split(template)]
    except ValueError as error:
        raise Failed("bad_arguments", "validate is no command line: {}".format(error))
    done = host.run(argv)
    if done.rc != 0:
        raise Failed("validation", "failed to validate: rc:{} error:{}".format(done.rc, done.stderr.strip()),
                     exit_status=done.rc, stdout=done.stdout, stderr=done.stderr)


def back_up(path):
    """Copy ``path`` beside itself as ``path.PID.DATE@TIME~``, with its mode and owner; returns that name.

    The copy is 0600 until it is complete. A link is backed up as the file it leads to.
    """
    kept = path
    try:
        with open(path, "rb") as source:
            now = os.fstat(source.fileno())
            fd, kept = _new_backup(path)
            with os.fdopen(fd, "wb") as target:
                copy_stream(source, target)
                target.flush()
                _keep_owner(target.fileno(), now)
                os.fchmod(target.fileno(), stat.S_IMODE(now.st_mode))
                os.utime(target.fileno(), ns=(now.st_atime_ns, now.st_mtime_ns))
    except OSError as error:
        raise Failed("backup", "Could not make backup of {} to {}: {}".format(path, kept, error.strerror))
    return kept


def copy_stream(source, target):
    """All that is left in an open binary file, in flat memory."""
    for data in iter(lambda: source.read(1 << 18), b""):
        target.write(data)


def diff_text(data):
    """Bytes as one side of a diff: text as it is; binary data and large files by their size."""
    if data is None:
        return ""
    if b"\0" in data[:8192]:
        return "(binary, {} bytes)\n".format(len(data))
    if len(data) > DIFF_LIMIT_BYTES:
        return "({} bytes, too large to show)\n".format(len(data))
    return data.decode("utf-8", "surrogateescape")


def _new_backup(path):
    """(descriptor, name) of a file that did not exist. Two backups within a second differ by a count."""
    for count in range(1000):
        process = "{}-{}".format(os.getpid(), count) if count else os.getpid()
        kept = "{}.{}.{}~".format(path, process, time.strftime("%Y-%m-%d@%H:%M:%S"))
        try:
            return os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), kept
        except FileExistsError:
            continue
    raise FileExistsError(errno.EEXIST, "too many backups within one second", path)


def _keep_owner(fd, now):
    try:
        os.fchown(fd, now.st_uid, now.st_gid)
    except PermissionError:
        pass  # without root the copy belongs to us, and nobody can read more than before


def checksums(path):
    """{"checksum": SHA-1, "md5sum": MD5 or None} of a file, read once; hosts in FIPS mode have no MD5."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        sha1 = digests.new("sha1", size)
        try:
            md5 = digests.new("md5", size)
        except ValueError:
            md5 = None
        for data in iter(lambda: file.read(1 << 18), b""):
            sha1.update(data)
            if md5 is not None:
                md5.update(data)
    return {"checksum": sha1.hexdigest(), "md5sum": md5 and md5.hexdigest()}
