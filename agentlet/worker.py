"""One forked process that executes a job's tasks in order, and speaks to its supervisor over pipes.

It stops before the next task when its control pipe is closed (the carrier is lost). Its file descriptors 1 and 2 are a
pipe of the supervisor's, so that a module that prints cannot disturb the frames.
"""

import os
import resource
import select
import signal
import sys
import time

from agentlet import execute, processes, receipts
from agentlet.host import Act
from agentlet.wire import CHUNK_BYTES, MAX_HEADER_BYTES, WINDOW_BYTES, Decoder, WireError, encode, header_bytes
from modules.api import Failed

ENDS_JOB = ("failed", "interrupted", "cancelled")
_HEADER_ROOM = 64 * 1024
_POLL_S = 0.1


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


class Worker(object):
    """Executes ``tasks`` of ``job``; ``book_path`` is where receipts go, or None."""

    def __init__(self, job, tasks, link, book_path, memory_limit_bytes):
        self.job = job
        self.tasks = tasks
        self.link = link
        wanted = book_path and (any(task.get("receipt") for task in tasks) or os.path.exists(book_path))
        self.book = receipts.Book(book_path) if wanted else None
        self._memory = memory_limit_bytes
        self._directory = os.getcwd()
        self._environ = dict(os.environ) if len(tasks) > 1 else None
        self._umask = os.umask(0o022)
        os.umask(self._umask)
        self._pid = os.getpid()

    def run(self):
        for task in self.tasks:
            if self.link.lost():
                return
            result = self._recorded(task) or self._execute(task)
            if os.getpid() != self._pid:
                os._exit(0)  # a module forked, and this is the copy
            self.link.event("result", task=task["id"], **result)
            if result["status"] in ENDS_JOB and not task.get("continue_on_failure"):
                return

    def _recorded(self, task):
        """What an earlier offer of this job left: its result, or word that it was interrupted; None to execute."""
        if self.book is None:
            return None
        pid = self.book.running(task["id"])
        if task["id"] not in self.book.results and pid is not None:
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
        # The supervisor tells this task's processes from older ones by when they started.
        self.link.event("started", task=task["id"], ticks=processes.now_ticks())
        started, clock = time.time(), time.monotonic()
        result = self._perform(task)
        result.update(started=started, duration_s=round(time.monotonic() - clock, 6), replayed=False)
        if warning:
            result["warnings"].append(warning)
        result = _fitting(result)
        if task.get("receipt") and self.book is not None and os.getpid() == self._pid:
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

    def _perform(self, task):
        host = Act(self.link, check_mode=bool(task.get("check", self.job.get("check"))),
                   diff=bool(task.get("diff", self.job.get("diff"))), no_log=bool(task.get("no_log")),
                   environment=task.get("environment"))
        self.link.task = task["id"]
        try:
            self._set_up(task)
            _limit_memory(self._memory)
            return execute.execute(task["module"], task.get("args") or {}, host)
        except Failed as fault:
            return execute.failure(fault.code, fault.message, fault.hint, fault.values)
        finally:
            _limit_memory(None)
            self._tear_down()

    def _set_up(self, task):
        for name, value in (task.get("environment") or {}).items():
            os.environ[str(name)] = str(value)
        if task.get("cwd"):
            try:
                os.chdir(task["cwd"])
            except OSError as error:
                raise Failed("no_directory", "Cannot work in %s: %s" % (task["cwd"], error.strerror))

    def _tear_down(self):
        if self._environ is not None and dict(os.environ) != self._environ:
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


class Link(object):
    """The worker's end of the pipes: what `agentlet.blobs` calls a link."""

    def __init__(self, job, out_fd, control_fd):
        self.task = None
        self._job = job
        self._out = out_fd
        self._control = control_fd
        self._decoder = Decoder()
        self._frames = []
        self._closed = False
        self._credit = {}
        self._streams = 0

    def event(self, kind, **fields):
        if kind == "temp":
            return self.send(dict(fields, t="temp"))
        fields.setdefault("task", self.task)
        self.send(dict({"t": "event", "job": self._job, "kind": kind}, **fields))

    def send(self, header, body=b""):
        data = memoryview(encode(header, body))
        while len(data):
            data = data[os.write(self._out, data):]

    def lost(self):
        """True when the supervisor has closed the control pipe. Does not wait."""
        while not self._closed and select.select([self._control], [], [], 0)[0]:
            self._receive()
        return self._closed

    def blob_chunks(self, ref):
        """Asks for a blob and yields it, granting credit as it is consumed."""
        digest = ref["blob"]
        self.send({"t": "need", "job": self._job, "digest": digest, "credit": WINDOW_BYTES})
        offset, last, body = 0, False, b""
        while not last:
            body, last = self._next_chunk(digest, offset)
            offset += len(body)
            try:
                yield body
            except GeneratorExit:
                return self._drop_rest(digest, offset, last)
            if not last:
                self.send({"t": "need", "job": self._job, "digest": digest, "credit": len(body)})

    def _drop_rest(self, digest, offset, last):
        """A transfer cannot be called off: what is not wanted any more is taken and dropped."""
        while not last:
            self.send({"t": "need", "job": self._job, "digest": digest, "credit": CHUNK_BYTES})
            body, last = self._next_chunk(digest, offset)
            offset += len(body)

    def _next_chunk(self, digest, offset):
        header, body = self._await(lambda h: h.get("digest") == digest and h["t"] in ("blob", "blob_error"))
        if header["t"] == "blob_error":
            raise Failed("blob_unavailable", "The controller cannot send the file: %s" % header.get("message"))
        if header.get("offset") != offset:
            raise Failed("blob_damaged", "Blob %s came out of order" % digest)
        return body, bool(header.get("last"))

    def open_upload(self, path, size, mode):
        self._streams += 1
        stream = "%s:%d:%d" % (self.task, os.getpid(), self._streams)
        self._credit[stream] = WINDOW_BYTES
        self._upload = {"size": size, "mode": mode, "path": path}
        return stream

    def send_chunk(self, stream, offset, data, last):
        assert len(data) <= CHUNK_BYTES
        while self._credit[stream] < len(data):
            header, _ = self._await(lambda h: h["t"] == "credit" and h.get("stream") == stream)
            self._credit[stream] += int(header.get("bytes", 0))
        self._credit[stream] -= len(data)
        self.send(dict({"t": "upload", "job": self._job, "stream": stream, "offset": offset, "last": bool(last)},
                       **self._upload), data)

    def _await(self, wanted):
        while True:
            for index, (header, body) in enumerate(self._frames):
                if wanted(header):
                    del self._frames[index]
                    return header, body
            if self._closed:
                raise Failed("carrier_lost", "The connection was lost in the middle of a file")
            self._receive()

    def _receive(self):
        data = os.read(self._control, 1 << 18)
        if data:
            self._frames += self._decoder.feed(data)
        else:
            self._closed = True


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
