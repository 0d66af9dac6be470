"""What this host has taken on: a folder for each attempt of a job, written before anything of it runs.

A folder appears whole, by one rename, with the envelope in it; what happens then is a line in its ``journal``. It goes
away when the server has stored everything, and the ledger remembers the attempt until its envelope has expired, so
that it is never run again, whatever the server forgot.
"""

import json
import os
import time

from agentlet import files, lines
from agentlet.digests import sha256
from agentlet.pull.faults import is_full
from agentlet.pull.state import write_durably

RESERVE_BYTES = 256 * 1024
"""Kept free for each job, so that its results find room on a disk that has filled up meanwhile."""
KEY_CHARS = 40
_KEPT_S = 24 * 3600
_ENDS = ("stopped", "cancelled", "finished")


def key_of(job):
    """A job's id is the server's word and never becomes a path."""
    return sha256(job.encode("utf-8", "surrogateescape")).hexdigest()[:KEY_CHARS]


class Journal(object):
    """All attempts of jobs on this host."""

    def __init__(self, state):
        self._root = state.path("jobs")
        self._ledger_path = state.path("ledger")
        self._seen = {}
        self._begun = set()
        """Jobs of which an attempt that is delivered had begun."""
        os.makedirs(self._root, mode=0o700, exist_ok=True)
        self._load_ledger()

    def last_attempt(self, job):
        """The highest attempt of a job that was taken on here; 0 for none."""
        attempts = [folder.attempt for folder in self.folders() if folder.key == key_of(job)]
        return max(attempts + [self._seen.get(key_of(job), (0, 0))[0]])

    def has_begun(self, job):
        """Whether an attempt of this job has begun here: what must not run twice is not to be run by a later one."""
        kept = (folder for folder in self.folders() if folder.key == key_of(job))
        return key_of(job) in self._begun or any("started" in folder.records() for folder in kept)

    def folders(self):
        """What was taken on and is not delivered, oldest first."""
        found = []
        for name in os.listdir(self._root):
            key, dash, attempt = name.partition("-")
            if len(key) == KEY_CHARS and dash and attempt.isdigit():
                found.append(Folder(os.path.join(self._root, name), key, int(attempt)))
            else:
                _remove(os.path.join(self._root, name))  # not finished when we were killed
        return sorted(found, key=lambda folder: folder.age_key())

    def take_on(self, envelope, text, signature, key, place=None):
        """The `Folder` of a new attempt, durably; `OSError` when the disk does not take it: then nothing may run.

        ``key`` is what it was claimed with, ``place`` where (`holding.place_of`).
        """
        name = "%s-%d" % (key_of(envelope["job"]), envelope["attempt"])
        making, path = os.path.join(self._root, "new-" + os.urandom(8).hex()), os.path.join(self._root, name)
        os.mkdir(making, 0o700)
        try:
            _reserve(os.path.join(making, "reserve"))
            write_durably(os.path.join(making, "envelope"), json.dumps([text, signature]).encode())
            os.rename(making, path)
        except BaseException:
            _remove(making)
            raise
        files.sync_directory(self._root)
        folder = Folder(path, key_of(envelope["job"]), envelope["attempt"])
        folder.record("claimed", job=envelope["job"], key=key, place=place)
        return folder

    def delivered(self, folder):
        """The server has everything: the attempt is remembered, its folder goes."""
        expires = folder.expires()
        folder.release_reserve()  # the disk may be full
        self._seen[folder.key] = max(self._seen.get(folder.key, (0, 0)), (folder.attempt, expires))
        if "started" in folder.records():
            self._begun.add(folder.key)
        lines.append(self._ledger_path, {"key": folder.key, "attempt": folder.attempt, "expires": expires,
                                         "begun": folder.key in self._begun})
        self.drop(folder)

    def drop(self, folder):
        """The attempt is not this agentlet's any more, or nothing of it ran."""
        # By its name first: a folder that is half removed is no job.
        gone = os.path.join(self._root, "gone-" + os.urandom(8).hex())
        try:
            os.rename(folder.path, gone)
        except FileNotFoundError:
            return
        _remove(gone)

    def _load_ledger(self):
        limit = time.time() - _KEPT_S
        entries = lines.read(self._ledger_path)
        for entry in entries:
            if entry["expires"] > limit:
                self._seen[entry["key"]] = max(self._seen.get(entry["key"], (0, 0)),
                                               (entry["attempt"], entry["expires"]))
                if entry.get("begun", True):
                    self._begun.add(entry["key"])
        if len(entries) > 2 * len(self._seen) + 100:
            kept = [{"key": key, "attempt": attempt, "expires": expires, "begun": key in self._begun}
                    for key, (attempt, expires) in self._seen.items()]
            write_durably(self._ledger_path, lines.packed(*kept))


class Folder(object):
    """One attempt: its envelope, its journal, and what `spool` keeps in it."""

    def __init__(self, path, key, attempt):
        self.path = path
        self.key = key
        self.attempt = attempt

    def age_key(self):
        try:
            return os.stat(os.path.join(self.path, "envelope")).st_mtime
        except OSError:
            return 0.0

    def envelope(self):
        """(text, signature) as claimed; `OSError` or `ValueError` when it is damaged."""
        with open(os.path.join(self.path, "envelope"), "rb") as opened:
            text, signature = json.loads(opened.read().decode())
        return text, signature

    def expires(self):
        """Until when the server could offer this very envelope again; 0 when it cannot be read any more."""
        try:
            return float(json.loads(self.envelope()[0])["expires"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0

    def record(self, what, **values):
        """Adds a line, durably, on a full disk in the room that was kept; `OSError` when that is not possible."""
        entry = dict(values, what=what, time=time.time())
        try:
            lines.append(os.path.join(self.path, "journal"), entry)
        except OSError as error:
            if not is_full(error) or not self.release_reserve():
                raise
            lines.append(os.path.join(self.path, "journal"), entry)

    def records(self):
        """{what: its last record}."""
        return {entry["what"]: entry for entry in lines.read(os.path.join(self.path, "journal"))}

    def was_killed(self):
        """Whether the agentlet ended in the middle without having been told to end, itself or the job."""
        entries = [entry["what"] for entry in lines.read(os.path.join(self.path, "journal"))]
        return bool(entries) and "started" in entries and entries[-1] not in _ENDS

    def release_reserve(self):
        """Gives up the room that was kept; whether there was any."""
        try:
            os.unlink(os.path.join(self.path, "reserve"))
            return True
        except OSError:
            return False


def _remove(folder):
    """A folder and the files in it; what cannot be removed now is found again at the next start."""
    try:
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)
    except OSError:
        pass


def _reserve(path):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        files.write_all(fd, os.urandom(4096) * (RESERVE_BYTES // 4096))  # zeros take no room on some file systems
    finally:
        os.close(fd)
