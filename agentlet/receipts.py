"""What this host did for a job, on disk, so that a task that must not run twice runs once.

One append-only file per job and attempt, one JSON object a line. ``begun`` is synced to disk before the task executes,
``result`` after it. A line that was cut by a crash is as if it had not been written: a cut ``begun`` means that the
task was not started yet. `remove` is for when the controller has stored everything.

What was stored and removed could be begun again by a controller that was stopped before it sent it, has lost its run
to another one meanwhile, and wakes up: a `Fence` per run keeps it out.
"""

import fcntl
import os
import time

from agentlet import lines, processes
from agentlet.digests import sha256

KEEP_S = 7 * 24 * 3600
ROOT_DIRECTORY = "/var/lib/orch/receipts"


def default_directory(uid, home):
    """Where receipts of this user go."""
    return ROOT_DIRECTORY if uid == 0 else os.path.join(home, ".local/state/orch/receipts")


def open_directory(path):
    """Makes the directory (0700) if needed; its path, or None when there is no place to write or it is not ours."""
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        info = os.lstat(path)
        if info.st_uid != os.geteuid():
            return None
        if info.st_mode & 0o077:
            os.chmod(path, 0o700)
        probe = os.path.join(path, ".probe-%d" % os.getpid())
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        os.unlink(probe)
        return path
    except OSError:
        return None


def sweep(directory, now=None):
    """Removes receipts that nobody acknowledged for a week, and fences of runs that are as old. Returns how many."""
    removed, limit = 0, (time.time() if now is None else now) - KEEP_S
    for name in os.listdir(directory):
        path = os.path.join(directory, name)
        try:
            if name.endswith((".jsonl", ".fence")) and os.lstat(path).st_mtime < limit:
                os.unlink(path)
                removed += 1
        except OSError:
            continue  # gone meanwhile
    return removed


def book_path(directory, job, attempt):
    """The file of one attempt of a job; a job's id is the controller's word and never becomes a path."""
    return os.path.join(directory, "%s-%d.jsonl" % (_name(job), attempt))


def remove(directory, job, attempt):
    """The controller has stored everything of this attempt."""
    try:
        os.unlink(book_path(directory, job, attempt))
    except FileNotFoundError:
        pass


def fence_path(directory, run):
    """The file of a run's fence."""
    return os.path.join(directory, _name(run) + ".fence")


def _name(identity):
    return sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:40]


class Fence(object):
    """Between the controllers of a run: ``resumes`` tells how often it had been resumed when this one took it.

    The host keeps the highest number it saw in a file; a run that was never resumed leaves none. A controller puts up
    its fence, then reads receipts. A worker writes its receipt, then looks at the fence. So whichever comes second
    sees the other, and no task is executed for both.
    """

    def __init__(self, path, resumes):
        # type: (str, int) -> None
        self.path = path
        self.resumes = resumes

    def put_up(self):
        """Keeps out, durably, controllers of earlier resumes; nothing where a later one was here."""
        if not self.resumes:
            return
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if _number(os.read(fd, 32)) < self.resumes:
                os.pwrite(fd, b"%020d" % self.resumes, 0)  # always as long, so that no reader sees a part of it
                os.fsync(fd)
        finally:
            os.close(fd)

    def keeps_out(self):
        """Whether a controller that resumed the run later was here."""
        try:
            with open(self.path, "rb") as opened:
                return _number(opened.read(32)) > self.resumes
        except OSError:
            return False


def _number(written):
    try:
        return int(written)
    except ValueError:
        return 0


class Book(object):
    """The receipts of one attempt of a job. ``results`` and ``begun`` are by task id."""

    def __init__(self, path):
        # type: (str) -> None
        self.path = path
        self.results = {}
        self.begun = {}
        self.load()

    def load(self):
        """Reads what is recorded by now."""
        for entry in lines.read(self.path):
            if "begun" in entry:
                self.begun[entry["begun"]] = entry
                self.results.pop(entry["begun"], None)
            elif "withdrawn" in entry:
                self.begun.pop(entry["withdrawn"], None)
            elif "result" in entry:
                self.results[entry["result"]["task"]] = entry["result"]

    def begin(self, task, pid):
        """Records, durably, that the task is about to execute in process ``pid``."""
        entry = {"begun": task, "pid": pid, "ticks": processes.start_ticks(pid), "boot": processes.boot_id(),
                 "since": processes.now_ticks(), "time": time.time()}
        lines.append(self.path, entry)
        self.begun[task] = entry

    def withdraw(self, task):
        """Takes `begin` back: nothing of the task was executed."""
        lines.append(self.path, {"withdrawn": task})
        self.begun.pop(task, None)

    def end(self, *results):
        """Records results (the fields of their events, with ``task``), durably."""
        lines.append(self.path, *[{"result": result} for result in results])
        self.results.update((result["task"], result) for result in results)

    def running(self, task):
        """The pid of the process that began the task and still runs, or None."""
        entry = self.begun.get(task)
        if entry is None or entry["boot"] != processes.boot_id():
            return None
        return entry["pid"] if processes.alive(entry["pid"], entry["ticks"]) else None
