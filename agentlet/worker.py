"""One forked process that executes the tasks of a job in order, then those of the next, and speaks over pipes.

It stops before the next task when its control pipe is closed (the carrier is lost). Its file descriptors 1 and 2 are a
pipe of the supervisor's, so that a module that prints cannot disturb the frames.

It takes another job only when the last one left nothing behind in it (see `Surroundings`): the job's last result says
``idle`` then. Else it exits, and the next job gets a fork of the supervisor, as new as the first one.
"""

import gc
import importlib
import os
import resource
import signal
import sys
import time

from agentlet import execute, processes, receipts
from agentlet.blobs import LocalLink
from agentlet.host import Act
from agentlet.wire import MAX_HEADER_BYTES, WireError, encode, header_bytes
from agentlet.workerlink import Link
from modules.api import Failed

ENDS_JOB = ("failed", "interrupted", "cancelled")
_HEADER_ROOM = 64 * 1024
_POLL_S = 0.1
_GROWTH_BYTES = 64 * 1024 * 1024
"""A worker that grew by more serves no other job: memory goes back to the host with its process."""
_DETACHED_BLOB_BYTES = 64 * 1024 * 1024
_DISORDERED = ("module_crashed", "module_broken", "out_of_memory")
"""What a module may have left behind that ended so, nobody knows."""


class CarrierLost(Exception):
    """Nobody is there any more: no further task begins."""


def enter(output_fd, events_fd, control_fd):
    """Turns a fresh fork into a worker: own session, no descriptor but its own, all processors.

    Returns the new numbers of the last two. Descriptor 0 is /dev/null in the supervisor already; the supervisor's
    signal handlers do nothing, and commands get the defaults when they are executed.
    """
    os.setsid()
    signal.set_wakeup_fd(-1)
    highest = max(output_fd, events_fd, control_fd)
    os.dup2(output_fd, 1)
    os.dup2(output_fd, 2)
    os.dup2(events_fd, highest + 1, False)
    os.dup2(control_fd, highest + 2, False)
    # The wire must not stay open in here, nor in what a module leaves behind. Descriptors are given out lowest first,
    # so none of the supervisor's is much above those made last.
    os.closerange(3, highest + 1)
    os.closerange(highest + 3, highest + 64)
    processes.become_subreaper()
    processes.use_all_cpus()
    return highest + 1, highest + 2


def serve(first, pipes, memory_limit_bytes, install_source):
    """Executes a job, and every next one that the supervisor hands over, until it wants no more.

    ``first``: job, tasks, and path of its receipts or None. ``pipes``: descriptors for output, events and control, the
    worker's ends. ``install_source(header, body)`` takes modules that come later.
    """
    gc.enable()  # should it have been forked before the runtime was warm
    job, tasks, book_path = first
    link = Link(job["id"], install_source, *enter(*pipes))
    surroundings = Surroundings()
    while Worker(job, tasks, book_path, link, memory_limit_bytes, surroundings).run():
        frame = link.next_job()
        if frame is None:
            return
        job, tasks, book_path = frame["job"], frame["tasks"], frame["book"]


class Worker(object):
    """Executes ``tasks`` of ``job``; ``book_path`` is where receipts go, or None."""

    def __init__(self, job, tasks, book_path, link, memory_limit_bytes, surroundings):
        self.job = job
        self.tasks = tasks
        self.link = link
        wanted = book_path and (any(task.get("receipt") for task in tasks) or os.path.exists(book_path))
        self.book = receipts.Book(book_path) if wanted else None
        self._fence = receipts.Fence(*job["fence"]) if job.get("fence") else None
        self._memory = memory_limit_bytes
        self._surroundings = surroundings
        self._in_order = True
        self._pid = os.getpid()

    def run(self):
        """True when the process is fit for another job, and the supervisor was told so with the last result."""
        for number, task in enumerate(self.tasks, 1):
            if self.link.lost():
                return False
            result = self._recorded(task) or task.get("unless_recorded") or self._execute(task)
            if os.getpid() != self._pid:
                os._exit(0)  # a module forked, and this is the copy
            is_last = number == len(self.tasks) or (
                result["status"] in ENDS_JOB and not task.get("continue_on_failure"))
            self._in_order = self._in_order and (result["error"] or {}).get("code") not in _DISORDERED
            if not is_last:
                self.link.event("result", task=task["id"], **result)
                continue
            idle = self._in_order and self._surroundings.are_as_found()
            self.link.event("result", task=task["id"], idle=idle, **result)
            return idle

    def _recorded(self, task):
        """What an earlier offer of this job left: its result, or word that it was interrupted; None to execute."""
        if self.book is None:
            return None
        pid = self.book.running(task["id"])
        if task["id"] not in self.book.results and pid not in (None, self._pid):
            self._await(task["id"], pid)
        result = self.book.results.get(task["id"])
        if result is not None:
            return dict({name: value for name, value in result.items() if name != "task"}, replayed=True)
        if task["id"] in self.book.begun and not task.get("retry_safe"):
            return _interrupted(self.book.begun[task["id"]])
        return None

    def _await(self, task, pid):
        """Waits while the process that began the task before still runs. The supervisor watches over the time."""
        entry = self.book.begun[task]
        self.link.event("started", task=task, ticks=processes.now_ticks())
        self.link.send({"t": "waiting", "pid": pid, "since": entry.get("since", 0), "begun": entry["time"]})
        while self.book.running(task) and task not in self.book.results:
            if self.link.lost():
                raise CarrierLost()
            time.sleep(_POLL_S)
            self.book.load()
        self.book.load()

    def _execute(self, task):
        warning = self._begin(task)
        if self._fence is not None and self._fence.keeps_out():
            return self._superseded(task)
        # The supervisor tells this task's processes from older ones by when they started.
        self.link.event("started", task=task["id"], ticks=processes.now_ticks())
        started, clock = time.time(), time.monotonic()
        result = self._perform(task)
        result.update(started=started, duration_s=round(time.monotonic() - clock, 6), replayed=False)
        if warning:
            result["warnings"].append(warning)
        result = _fitting(result)
        # A receipt says no more than that it began where it sent a file: who asks again could not have that file.
        if task.get("receipt") and self.book is not None and os.getpid() == self._pid and not self.link.has_uploaded:
            try:
                self.book.end(dict(result, task=task["id"]))
            except OSError as error:
                result["warnings"].append("The receipt of this task could not be written: %s" % error)
        return result

    def _begin(self, task):
        """Records the task before it executes; a warning when that is not possible."""
        if not task.get("receipt"):
            return None
        if self.book is None:
            return ("This host has no place for receipts: should the connection be lost, it cannot be known whether "
                    "this task ran")
        try:
            self.book.begin(task["id"], os.getpid())
            return None
        except OSError as error:
            return "No receipt could be written (%s): should the connection be lost, it cannot be known whether this " \
                   "task ran" % error

    def _superseded(self, task):
        """Nothing was executed: whoever has the run now finds the task as if nobody had begun it."""
        if task.get("receipt") and self.book is not None and task["id"] in self.book.begun:
            self.book.withdraw(task["id"])
        result = execute.failure("superseded", "The run was resumed by another process, so this one began nothing more")
        result.update(status="interrupted", started=time.time(), duration_s=0.0, replayed=False)
        return result

    def _perform(self, task):
        host = Act(self.link, check_mode=bool(task.get("check", self.job.get("check"))),
                   diff=bool(task.get("diff", self.job.get("diff"))), no_log=bool(task.get("no_log")),
                   environment=task.get("environment"))
        host.planning = bool(self.job.get("check"))
        self.link.task, self.link.has_uploaded = task["id"], False
        try:
            self._set_up(task)
            _limit_memory(self._memory)
            if task.get("detach"):
                return self._detach(task, host)
            return execute.execute(task["module"], task.get("args") or {}, host)
        except Failed as fault:
            return execute.failure(fault.code, fault.message, fault.hint, fault.values)
        finally:
            _limit_memory(None)
            self._surroundings.restore()

    def _detach(self, task, host):
        """Has the task done by a job of its own, which outlives this connection: `modules.support.async_jobs`."""
        jobs = importlib.import_module("modules.support.async_jobs")  # sent with the job that needs it
        options = {name: getattr(host, name) for name in ("check_mode", "diff", "no_log", "environment")}
        detach, args = task["detach"], task.get("args") or {}
        given = detach.get("directory") or host.environment.get("ANSIBLE_ASYNC_DIR")
        # Nobody will be there to ask later: files that the controller has are fetched before.
        blobs = {ref["blob"]: host.blob_bytes(ref, _DETACHED_BLOB_BYTES) for ref in _blob_refs(args)}
        alone = Act(LocalLink(blobs), **options)
        alone.planning = host.planning
        values = jobs.launch(jobs.directory_of(given, host.home), float(detach["limit_s"]),
                             lambda: execute.execute(task["module"], args, alone))
        return {"status": "changed", "values": values, "diff": [], "warnings": [], "error": None}

    def _set_up(self, task):
        for name, value in (task.get("environment") or {}).items():
            os.environ[str(name)] = str(value)
        if task.get("cwd"):
            try:
                os.chdir(task["cwd"])
            except OSError as error:
                raise Failed("no_directory", "Cannot work in %s: %s" % (task["cwd"], error.strerror))


class Surroundings(object):
    """What a process has besides its memory, as found at first: put back after a task, checked after a job."""

    def __init__(self):
        self._directory = os.getcwd()
        self._environ = dict(os.environ)
        self._umask = os.umask(0o022)
        os.umask(self._umask)
        self._descriptor = _free_descriptor()
        self._peak_bytes = _peak_bytes()

    def restore(self):
        """After a task: environment, umask and directory as they were; what was printed goes out."""
        if dict(os.environ) != self._environ:
            os.environ.clear()
            os.environ.update(self._environ)
        os.umask(self._umask)
        try:
            os.chdir(self._directory)
        except OSError:
            os.chdir("/")
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                pass  # the module closed it

    def are_as_found(self):
        """False when there are processes, threads or descriptors that were not there, or much more memory."""
        threading = sys.modules.get("threading")
        return not (_has_children() or threading and threading.active_count() > 1
                    or _free_descriptor() != self._descriptor or _peak_bytes() > self._peak_bytes + _GROWTH_BYTES)


def _blob_refs(value):
    """Every reference to a blob in a task's arguments."""
    if isinstance(value, dict):
        if isinstance(value.get("blob"), str) and "size" in value:
            return [value]
        value = list(value.values())
    return [ref for part in value for ref in _blob_refs(part)] if isinstance(value, list) else []


def _has_children():
    """Reaps those that have ended. One that runs on is a daemon, which must not keep a worker's number and pipes."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return True
    except ChildProcessError:
        return False


def _free_descriptor():
    """The lowest number that is free: one that was leaked has taken it."""
    number = os.dup(0)
    os.close(number)
    return number


def _peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _interrupted(entry):
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(entry["time"]))
    result = execute.failure(
        "interrupted", "This task began on %s and left no result: it may have run in part" % when,
        "Look at the host; with retry_safe: true on the task it is run again instead")
    result.update(status="interrupted", started=entry["time"], duration_s=0.0, replayed=True)
    return result


def _limit_memory(limit):
    """Bounds this process's address space; None lifts the bound. Commands are not bound (see `commands`)."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if limit and hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (limit or hard, hard))
    except (OSError, ValueError):
        pass  # not on this system


def _fitting(result):
    """The result as it can travel: what is no JSON, or too large for a frame, is a failure that says so."""
    room = MAX_HEADER_BYTES - _HEADER_ROOM
    try:
        size = len(header_bytes(result))
        if size > room:
            _shorten(result["values"])
            size = len(header_bytes(result))
        if size > room:
            return _replaced(result, "result_too_large", "The module's result has %d bytes; at most %d can be sent"
                             % (size, room))
        encode(result)
    except WireError as error:
        return _replaced(result, "bad_result", "The module's result cannot be sent: %s" % error)
    return result


def _shorten(values):
    """Takes the middle out of long outputs; other values are left, since half of them would be wrong."""
    for name in ("stdout_lines", "stderr_lines"):
        values.pop(name, None)
    keep = max(4096, (MAX_HEADER_BYTES - _HEADER_ROOM) // 16)
    for name in ("stdout", "stderr"):
        text = values.get(name)
        if isinstance(text, str) and len(text) > 2 * keep:
            values[name] = "%s\n[... %d characters left out ...]\n%s" % (text[:keep // 2], len(text) - keep,
                                                                        text[-(keep // 2):])


def _replaced(result, code, message):
    failed = execute.failure(code, message)
    failed.update({name: result[name] for name in ("started", "duration_s", "replayed", "warnings")})
    return failed
