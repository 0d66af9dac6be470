"""The agentlet's directory: what it is (0600 in 0700), written so that a crash leaves the old file or the new one."""

import errno
import fcntl
import json
import os

from agentlet import files
from agentlet.pull.faults import AgentletError

ROOT_DIRECTORY = "/var/lib/orch-agentlet"
SECRETS = ("client.pem", "secrets.json", "keys.json")
"""What the system's keyring may seal: see `sealing`."""


def default_directory():
    """Where root's, or this user's, agentlet keeps its state."""
    if os.geteuid() == 0 or os.access(ROOT_DIRECTORY, os.W_OK):
        return ROOT_DIRECTORY
    base = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local/state")
    return os.path.join(base, "orch-agentlet")


class State(object):
    """One directory; every name in it is ours, none is the server's word."""

    def __init__(self, directory):
        self.directory = directory
        self._lock_fd = None

    def create(self):
        """Makes the directory; `AgentletError` when it cannot be, or is somebody else's."""
        try:
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            info = os.lstat(self.directory)
            if info.st_uid != os.geteuid():
                raise AgentletError("%s belongs to another user" % self.directory,
                                    "enroll --user NAME is for an agentlet that is not root; uninstall ends it")
            if info.st_mode & 0o077:
                os.chmod(self.directory, 0o700)
        except OSError as error:
            raise AgentletError("Cannot use %s: %s" % (self.directory, error.strerror), "--state names another place")

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def exists(self, name):
        return os.path.exists(self.path(name))

    plain_path = path
    """Of a file as it lies there, also of a secret."""

    def file_of(self, name):
        """The path of a file that a library can read: of a sealed secret, an opened copy's in memory."""
        if name in SECRETS and self.is_sealed(name):
            from agentlet.pull import sealing
            sealing.read(self, name)
            return sealing.copy_path(self, name)
        return self.path(name)

    def scratch(self):
        """Where something secret may lie for a moment: in memory, where secrets are sealed."""
        if not any(self.is_sealed(name) for name in SECRETS):
            return self
        from agentlet.pull import sealing
        made = State(sealing.folder(self))
        made.create()
        return made

    def is_sealed(self, name):
        """Whether the system's keyring has this secret."""
        return os.path.exists(self.path(name + ".sealed"))

    def read(self, name):
        """A file's bytes, or None when there is none. `AgentletError` for a secret that the keyring does not open."""
        if name in SECRETS and self.is_sealed(name):
            from agentlet.pull import sealing
            return sealing.read(self, name)
        try:
            with open(self.path(name), "rb") as opened:
                return opened.read()
        except FileNotFoundError:
            return None

    def write(self, name, data, mode=0o600):
        """Puts the file in place, durably, in one act; a secret in the keyring, if its last one is there."""
        if name in SECRETS and self.is_sealed(name):
            from agentlet.pull import sealing
            return sealing.write(self, name, data)
        return self.write_plain(name, data, mode)

    def write_plain(self, name, data, mode=0o600):
        """`write`, and nothing but a file."""
        write_durably(self.path(name), data, mode)

    def remove(self, name):
        if name in SECRETS and self.is_sealed(name):
            from agentlet.pull import sealing
            sealing.forget(self, name)
        try:
            os.unlink(self.path(name))
        except FileNotFoundError:
            pass

    def read_json(self, name):
        """The object in a file; {} when there is none, or it is not JSON."""
        try:
            value = json.loads((self.read(name) or b"{}").decode())
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def write_json(self, name, value):
        self.write(name, json.dumps(value, sort_keys=True, indent=1).encode() + b"\n")

    def lock(self):
        """Makes this process the only agentlet of the directory until it ends."""
        fd = os.open(self.path("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            raise AgentletError("An agentlet works in %s already" % self.directory, "python3 agentlet.pyz status")
        os.ftruncate(fd, 0)
        os.write(fd, b"%d\n" % os.getpid())
        self._lock_fd = fd

    def owner(self):
        """The pid of the agentlet that works here, or None."""
        try:
            fd = os.open(self.path("lock"), os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None
        except OSError:
            word = os.read(fd, 32).strip()
            return int(word) if word.isdigit() else None
        finally:
            os.close(fd)


def write_durably(path, data, mode=0o600):
    """One rename, synced; nothing is left beside it when the disk is full."""
    directory = os.path.dirname(path)
    fd, temp = new_temp(directory)
    try:
        try:
            files.write_all(fd, data)
            os.fchmod(fd, mode)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temp, path)
    except BaseException:
        files.discard(temp)
        raise
    files.sync_directory(directory)


def new_temp(directory):
    """`files.new_temp` whose errors are `OSError`."""
    path = os.path.join(directory, ".orch-" + os.urandom(8).hex())
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), path
