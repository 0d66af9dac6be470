"""What a module sees of the host it runs on: `Look` reads, `Act` reads and acts.

``check()`` of a module gets a `Look`, which has nothing that writes; ``apply()`` and ``run()`` get an `Act`. Text is
UTF-8 with surrogateescape throughout, so that any bytes survive a round trip.
"""

import os
import pwd

from agentlet import blobs as transfers
from agentlet import commands, digests, files
from modules.api import Failed

ENCODING, ERRORS = "utf-8", "surrogateescape"
_accounts = {}  # type: dict


class Look(object):
    """Reads the host. ``user``, ``uid`` and ``home`` are those the task runs as, after become."""

    def __init__(self, link, check_mode=False, diff=False, no_log=False, environment=None):
        self.check_mode = check_mode
        self.planning = check_mode  # the whole run is: nothing that an earlier task would have made is there
        self.diff = diff
        self.no_log = no_log
        self.environment = dict(environment or {})
        self.warnings = []
        self._link = link
        self._small_blobs = {}
        self.uid = os.geteuid()
        self.user, self.home = account(self.uid)

    def query(self, argv, input=None, cwd=None, env=None, timeout_s=None, umask=None):
        """Runs a command that only reads: an argument list, never a shell. `Completed`; any exit code is returned.

        ``env`` is added to the task's environment. `Failed` when the command is not there (``command_not_found``).
        """
        return commands.run(list(argv), input, cwd, self._environ(env), timeout_s, umask)

    def which(self, name):
        """The path of a command, or None. Looks in the task's PATH and in the usual sbin directories too."""
        searched = self.environment.get("PATH") or os.environ.get("PATH", os.defpath)
        for directory in [""] if "/" in name else (searched + ":/usr/local/sbin:/usr/sbin:/sbin").split(":"):
            path = os.path.join(directory, name)
            if os.access(path, os.X_OK) and not os.path.isdir(path):
                return path
        return None

    def exists(self, path):
        """True when there is anything at ``path``, a dangling link too."""
        return os.path.lexists(path)

    def read(self, path):
        """All bytes of a file; `Failed` (``no_path``, ``permission_denied`` …) when it cannot be read."""
        try:
            with open(path, "rb") as opened:
                return opened.read()
        except OSError as error:
            raise files.failed(error, path, "read")

    def read_text(self, path):
        """A file as text; line endings are left as they are."""
        return self.read(path).decode(ENCODING, ERRORS)

    def digest(self, path, algorithm="sha256"):
        """The hex digest of a file, in flat memory."""
        try:
            with open(path, "rb") as opened:
                hashed = self._new_hash(algorithm, os.fstat(opened.fileno()).st_size)
                for data in iter(lambda: opened.read(1 << 18), b""):
                    hashed.update(data)
        except OSError as error:
            raise files.failed(error, path, "read")
        return hashed.hexdigest()

    def _new_hash(self, algorithm, size):
        try:
            return digests.new(algorithm, size)
        except ValueError:
            raise Failed("bad_arguments", "This host's Python knows no checksum algorithm %s" % algorithm)

    def blob_bytes(self, ref, limit):
        """The contents of a blob, for a diff; `Failed` with ``blob_too_large`` when it is larger than ``limit``."""
        digest, size = transfers.check_ref(ref)
        if size > limit:
            raise Failed("blob_too_large", "Blob %s has %d bytes; at most %d were wanted" % (digest, size, limit))
        if digest not in self._small_blobs:
            parts = []
            transfers.receive(self._link.blob_chunks(ref), ref, parts.append)
            self._small_blobs[digest] = b"".join(parts)
        return self._small_blobs[digest]

    def warn(self, text):
        """Adds a warning to the task's result."""
        if text not in self.warnings:
            self.warnings.append(text)

    def progress(self, **values):
        """Says how far a long task has come."""
        self._link.event("progress", values=values)

    def log(self, text):
        """One line for whoever watches; dropped when the task has no_log."""
        if not self.no_log:
            self._link.event("log", text=text)

    def _environ(self, env):
        merged = dict(os.environ)
        merged.update(self.environment)
        merged.update(env or {})
        return {str(name): str(value) for name, value in merged.items() if value is not None}


class Act(Look):
    """Reads and acts. `look` is the same host for a module's ``check``: same warnings, no way to write."""

    def __init__(self, link, **options):
        super(Act, self).__init__(link, **options)
        self._temps = []
        self.look = Look(link, **options)
        self.look.warnings = self.warnings
        self.look._small_blobs = self._small_blobs

    def run(self, argv, input=None, cwd=None, env=None, timeout_s=None, umask=None, shell=False, executable=None):
        """Runs a command that changes something. With ``shell=True``, ``argv`` is one string for /bin/sh."""
        argv = argv if shell else list(argv)
        return commands.run(argv, input, cwd, self._environ(env), timeout_s, umask, shell, executable)

    def write(self, path, data, mode=None, owner=None, group=None, unsafe=False):
        """Replaces a file's contents in one act; ``data`` is bytes or text. See `files.replace` for what is kept."""
        if isinstance(data, str):
            data = data.encode(ENCODING, ERRORS)
        fd, temp = self._new_temp(os.path.dirname(path) or ".")
        try:
            try:
                files.write_all(fd, data)
            finally:
                os.close(fd)
        except OSError as error:
            self._drop(temp)
            raise files.failed(error, path, "write")
        self.replace(temp, path, mode, owner, group, unsafe)

    def replace(self, temp_path, path, mode=None, owner=None, group=None, unsafe=False):
        """Moves a temp file to its place in one rename; on failure the temp file is removed."""
        try:
            files.replace(temp_path, path, mode, owner, group, unsafe)
        except Failed:
            self._drop(temp_path)
            raise
        self._forget(temp_path)

    def tempfile(self, dir=None, suffix=""):
        """The path of an empty file of mode 0600, which is removed when the task ends."""
        fd, path = self._new_temp(dir or _temp_directory(), suffix)
        os.close(fd)
        return path

    def tempdir(self, executable=False):
        """A new folder of mode 0700, removed with all in it when the task ends; programs may be started from it."""
        import tempfile  # costs 3 ms, and few tasks need a folder
        path = tempfile.mkdtemp(prefix=".orch-", dir=_temp_directory(executable))
        self._temps.append(path)
        self._link.event("temp", path=os.path.abspath(path), gone=False)
        return path

    def blob_file(self, ref, dir):
        """Fetches a blob into a temp file in ``dir`` (beside its destination); digest checked, removed on failure."""
        fd, path = self._new_temp(dir)
        try:
            cached = self._small_blobs.get(ref.get("blob")) if isinstance(ref, dict) else None
            chunks = self._link.blob_chunks(ref) if cached is None else iter([cached])
            transfers.receive_file(chunks, ref, fd, path)
        except BaseException:
            self._drop(path)
            raise
        finally:
            os.close(fd)
        return path

    def send(self, path):
        """Uploads a file to the controller: ``{"stream", "size", "sha256"}``."""
        return transfers.send_file(self._link, path)

    def close(self):
        """Removes what temp files are left; called when the task ends."""
        for path in list(self._temps):
            self._drop(path)

    def _new_temp(self, directory, suffix=""):
        fd, path = files.new_temp(directory, suffix)
        self._temps.append(path)
        self._link.event("temp", path=os.path.abspath(path), gone=False)
        return fd, path

    def _drop(self, path):
        try:
            files.discard(path)
        except OSError as error:
            self.warn("Cannot remove the temp file %s: %s" % (path, error.strerror))
        self._forget(path)

    def _forget(self, path):
        if path in self._temps:
            self._temps.remove(path)
            self._link.event("temp", path=os.path.abspath(path), gone=True)


def local_host(check_mode=False, diff=False, blobs=None, uploads_dir=None, environment=None, no_log=False):
    """An `Act` on this machine without a runtime, for tests: blobs are files or bytes by digest."""
    link = transfers.LocalLink(blobs, uploads_dir)
    return Act(link, check_mode=check_mode, diff=diff, no_log=no_log, environment=environment)


def account(uid):
    """``(name, home)`` of a user; looked up once, since a directory service may be behind it."""
    if uid not in _accounts:
        try:
            entry = pwd.getpwuid(uid)
            _accounts[uid] = (entry.pw_name, entry.pw_dir)
        except KeyError:
            _accounts[uid] = (str(uid), os.environ.get("HOME", "/"))
    return _accounts[uid]


def _temp_directory(executable=False):
    for path in (os.environ.get("TMPDIR"), "/tmp", "/var/tmp", "/dev/shm", os.path.expanduser("~"), os.getcwd()):
        if path and os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK):
            if not executable or not os.statvfs(path).f_flag & os.ST_NOEXEC:
                return path
    raise Failed("no_temp", "No directory on this host takes temp files", "Set TMPDIR in the task's environment")
