"""What root has done of an attempt of a job as one user: each task comes to one result, whoever asks again.

One session at a time holds an attempt. What it has as a result is on disk before the agentlet hears of it; asked
again for the task, the helper answers with that. When the agentlet has said that the server has everything, the attempt
is closed, and nothing of it is ever run again.
"""

import fcntl
import os
import time

from agentlet import processes, receipts, termination
from agentlet.digests import sha256
from agentlet.pull.faults import EnvelopeRefused
from agentlet.pull.state import State

LATE_S = 24 * 3600.0
"""A job must not begin later than it expires, by the server's clock; this host's may be wrong by so much."""
KEEP_S = 48 * 3600.0
"""For so long after its expiry an attempt is remembered: longer than it would be begun."""


class Attempt(object):
    """``root``: the folder of all attempts. `EnvelopeRefused` when it must not be begun, or not again."""

    def __init__(self, root, envelope, user, now=None):
        now = time.time() if now is None else now
        job, self._expires = _digest(envelope["job"]), envelope["expires"]
        if envelope["expires"] + LATE_S <= now:
            raise EnvelopeRefused("expired", "The job expired %d s ago" % (now - envelope["expires"]))
        if any(name.startswith(job) and _number(name) > envelope["attempt"] for name in os.listdir(root)):
            raise EnvelopeRefused("older_attempt", "A later attempt of this job was here already")
        self._state = State(os.path.join(root, "%s-%d-%s" % (job, envelope["attempt"], _digest(user))))
        self._state.create()
        self._fd = os.open(self._state.path("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._book = None

    def take(self):
        """True when no other session has it. `EnvelopeRefused` when it is closed."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        if self._meta().get("closed"):
            raise EnvelopeRefused("done_before", "This attempt was done here, and the server has its results",
                                  "Run it again as a new run")
        self._book = receipts.Book(self._state.path("results"))
        return True

    def holds(self, pid):
        """The runtime of this session, for a later one that has to end it."""
        self._state.write_json("meta", {"expires": self._expires, "pid": pid, "boot": processes.boot_id(),
                                        "ticks": processes.start_ticks(pid)})

    def end_other(self):
        """Ends the runtime of the session that has it; the pids that would not die."""
        meta = self._meta()
        if meta.get("boot") != processes.boot_id() or not processes.alive(meta.get("pid"), meta.get("ticks")):
            return []
        return termination.terminate(meta["pid"])

    def errors_path(self):
        """Where the runtime's last words go."""
        return self._state.path("errors")

    def results(self):
        """{task id: its result, as it was sent}."""
        return self._book.results

    def add(self, event):
        """A task's result, durably; `OSError`."""
        self._book.end({name: value for name, value in event.items() if name not in ("t", "job", "attempt", "seq")})

    def _meta(self):
        return self._state.read_json("meta")

    def close(self):
        """The server has everything: nothing of it is run again."""
        self._state.write_json("meta", {"expires": self._expires, "closed": True})
        self._state.remove("results")


def sweep(root, now=None):
    """Forgets what could not be begun any more."""
    now = time.time() if now is None else now
    for name in os.listdir(root):
        state = State(os.path.join(root, name))
        expires = state.read_json("meta").get("expires")
        if expires is None:
            expires = _age(state.directory)
        if expires + KEEP_S < now and not _is_held(state.path("lock")):
            for part in os.listdir(state.directory):
                state.remove(part)
            os.rmdir(state.directory)


def _digest(text):
    """A job's id is the server's word, and never becomes a path."""
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:40]


def _number(name):
    number = name.split("-")[1] if name.count("-") == 2 else ""
    return int(number) if number.isdigit() else 0


def _is_held(path):
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(fd)


def _age(path):
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0
