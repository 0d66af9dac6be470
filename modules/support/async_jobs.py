"""Jobs that live on by themselves: tasks with ``async``, started here, told about in a file, read by `async_status`.

A job is two processes in sessions of their own: one executes the module and writes its result, the other watches the
time and the first one's end. The file (0600, in ``~/.ansible_async``, named by the job's id, as Ansible has it) says
at first who they are, so that whoever reads it later can tell a job that runs from one that died without a word:
start time and boot distinguish a process from a later one with its number. Its last contents are the result. Every
version replaces the one before in one rename.
"""

import json
import os
import time

from agentlet import processes
from modules.api import Failed

DIRECTORY = "~/.ansible_async"
KEEPERS = "_orch_processes"
LIMIT_BYTES = 32 * 1024 * 1024
START_LIMIT_S = 30.0
_POLL_S = (0.02, 1.0)


def directory_of(given, home):
    """The folder of job files; ``~`` is the home of the user that the task runs as."""
    path = given or DIRECTORY
    if path == "~" or path.startswith("~/"):
        path = home + path[1:]
    return os.path.normpath(os.path.join(home, path))


def path_of(directory, jid):
    """The file of a job; `Failed` when the id is none, since it becomes part of a path."""
    if not jid or jid in (".", "..") or "/" in jid or "\0" in jid:
        raise Failed("bad_arguments", "This is no job id: %r" % jid, "It is ansible_job_id of the task that began it")
    return os.path.join(directory, jid)


def read(path):
    """What a job's file says, or None when there is no such job; `Failed` with ``bad_job_file`` for another file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failed("bad_job_file", "Cannot read the job's file %s: %s" % (path, error.strerror))
    with os.fdopen(fd, "rb") as opened:
        data = opened.read(LIMIT_BYTES + 1)
    try:
        found = json.loads(data.decode("utf-8", "surrogateescape")) if len(data) <= LIMIT_BYTES else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Failed("bad_job_file", "Could not parse job output: %s does not hold what a job writes" % path,
                     ansible_job_id=os.path.basename(path), finished=True, started=True)
    return found


def is_running(record):
    """Whether one of the job's processes is alive; None for a job of another program, which does not name them."""
    keepers = record.get(KEEPERS)
    if not isinstance(keepers, dict):
        return None
    if keepers.get("boot") != processes.boot_id():
        return False
    return any(processes.alive(pid, ticks) for pid, ticks in keepers.get("pids", ()))


def write(path, content):
    """Replaces the job's file, durably."""
    temp = "%s.%d.new" % (path, os.getpid())
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as opened:
            opened.write(json.dumps(content).encode("ascii"))
            opened.flush()
            os.fsync(opened.fileno())
        os.rename(temp, path)
    except BaseException:
        os.unlink(temp)
        raise


def launch(directory, limit_s, perform):
    """Starts ``perform() -> result`` as a job and returns at once: the values that the task registers.

    The job is ended after ``limit_s`` seconds. `Failed` when it cannot be started.
    """
    import random  # seldom needed, and 3 ms
    jid = "j%d.%d" % (random.SystemRandom().randrange(10 ** 12), os.getpid())
    path = path_of(directory, jid)
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        _start(path, limit_s, perform)
    except OSError as error:
        raise Failed("no_job", "The job cannot be started: %s%s"
                     % (error.strerror, " (%s)" % error.filename if error.filename else ""),
                     "Its result needs a place: see ansible_async_dir")
    return {"changed": True, "ansible_job_id": jid, "started": True, "finished": False, "results_file": path}


def _start(path, limit_s, perform):
    """Forks the watcher and waits until the job's file is there."""
    told, tell = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(told)
        os.close(tell)
        raise
    if pid == 0:
        _alone(lambda: _watch(path, limit_s, perform, tell), tell)
    os.close(tell)
    try:
        _hear(told)
    finally:
        os.close(told)


def _hear(told):
    """The watcher's word that the file is written; `OSError` with its reason, or when it says nothing."""
    import select
    if not select.select([told], [], [], START_LIMIT_S)[0]:
        raise OSError(0, "it did not begin within %d s" % START_LIMIT_S)
    word = os.read(told, 4096).decode("utf-8", "replace")
    if word != "ok":
        raise OSError(0, word or "its process ended at once")


def _alone(act, keep):
    """The life of a fork: nothing of its parent's stays open but ``keep``. Never returns."""
    status = 1
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        for number in _descriptors():
            if number > 2 and number != keep:
                _close(number)
        act()
        status = 0
    finally:
        os._exit(status)


def _descriptors():
    try:
        return [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        return list(range(3, 1024))


def _close(number):
    try:
        os.close(number)
    except OSError:
        pass  # the one by which they were listed


def _watch(path, limit_s, perform, tell):
    """The watcher: starts the job, says where it is, ends it when its time is over, and speaks for it if it died."""
    jid = os.path.basename(path)
    gate, opener = os.pipe()
    try:
        pid = os.fork()
        if pid == 0:
            os.close(opener)
            _alone(lambda: _execute(path, perform, gate), gate)
        keepers = [[number, processes.start_ticks(number)] for number in (pid, os.getpid())]
        write(path, {"started": 1, "finished": 0, "ansible_job_id": jid,
                     KEEPERS: {"pids": keepers, "boot": processes.boot_id()}})
    except OSError as error:
        os.write(tell, (error.strerror or str(error)).encode("utf-8", "replace"))
        raise
    os.write(opener, b"go")
    os.close(opener)
    os.write(tell, b"ok")
    os.close(tell)
    status = _ended(pid, limit_s)
    if status is None:
        _end(path, jid, pid)
    elif not (read(path) or {}).get("finished"):
        _conclude(path, jid, "job_died", "The job's process %s and left no result; what it had started may go on"
                  % _how(status))


def _execute(path, perform, gate):
    """The job itself. It begins when its file is there: a job that nobody can find again must not run."""
    if os.read(gate, 2) != b"go":
        return
    os.close(gate)
    processes.become_subreaper()
    try:
        result = _flat(perform())
    except SystemExit as error:
        result = {"failed": True, "msg": "The module ended its process with %s" % error}
    _finish(path, result)


def _finish(path, values):
    try:
        os.lstat(path)
    except FileNotFoundError:
        return  # cleaned up meanwhile: nobody wants to know
    write(path, dict(values, ansible_job_id=os.path.basename(path), started=1, finished=1))


def _flat(result):
    """A module's result as one mapping with Ansible's words."""
    values = dict(result["values"], changed=result["status"] == "changed", warnings=result["warnings"])
    if result["diff"]:
        values["diff"] = result["diff"]
    if result["status"] == "skipped":
        values["skipped"] = True
    if result["status"] == "failed":
        error = result["error"] or {}
        values.update(failed=True, error_code=error.get("code"), hint=error.get("hint"))
        values["changed"] = bool(result["values"].get("changed"))
    return values


def _ended(pid, limit_s):
    """The exit status of the job, or None when its time is over first."""
    end, wait_s = time.monotonic() + limit_s, _POLL_S[0]
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return status
        left = end - time.monotonic()
        if left <= 0:
            return None
        time.sleep(min(wait_s, left))
        wait_s = min(wait_s * 1.5, _POLL_S[1])


def _end(path, jid, pid):
    from agentlet.termination import terminate
    left = terminate(pid)
    if (read(path) or {}).get("finished"):
        return
    hint = "These could not be killed: %s" % ", ".join(map(str, left)) if left else None
    _conclude(path, jid, "timeout", "Timeout exceeded", hint)


def _conclude(path, jid, code, message, hint=None):
    _finish(path, {"failed": True, "changed": False, "msg": message, "error_code": code, "hint": hint})


def _how(status):
    if os.WIFSIGNALED(status):
        return "was ended by signal %d" % os.WTERMSIG(status)
    return "ended with exit code %d" % os.WEXITSTATUS(status)
