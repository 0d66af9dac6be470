"""Some tasks of a job in the hands of a worker: relays its frames, watches its time, tells how it ended.

A leg is a run of consecutive tasks of a job under one identity. This one has them executed by one worker, the spare
one of an earlier job if there is one, and by a new one for the rest when a worker was lost with a task whose failure
does not end the job.
"""

import os
import signal
import time

from agentlet import execute, files, processes, receipts, worker
from agentlet.termination import Termination
from agentlet.wire import WireError

LOST_LIMIT_S = 600.0
"""How long the running task may go on after the carrier was lost, at most."""
_STEP_S = 0.05


class WorkerLeg(object):
    """``job`` gets `emit(header)`, `relay(header, body)` and, once, `leg_over(status, stop)`."""

    def __init__(self, runtime, job, tasks):
        self._runtime = runtime
        self._reactor = runtime.reactor
        self._job = job
        self._tasks = tasks
        self._done = 0
        self._worker = self._running = self._foreign = self._timer = None
        self._started, self._since = runtime.time(), 0
        self._temps = set()
        self._failed = False
        self._stop = False
        self._lost = False
        self._ending = None
        self._endings = []

    # What the job asks of a leg

    def start(self):
        spare = self._runtime.take_spare()
        if spare is None:
            return self._fork()
        try:
            self._begin_worker(spare)
            spare.hand_over(self, self._job.header, self._tasks, self._job.book_path)
        except WireError:  # with what it needs besides, the job is too large for a frame
            spare.close()
            self._fork()

    def send(self, header, body):
        """A frame of the controller for the worker: blob, blob_error, credit."""
        if self._worker is not None:
            self._worker.send(header, body)

    def cancel(self):
        self._terminate("cancelled", "cancelled", "The task was cancelled")

    def expire(self):
        """The job's deadline has come."""
        self._stop = True
        self._terminate("failed", "timeout", "The job's deadline came while this task ran")

    def lose(self):
        """The carrier is gone: the running task may end, no other begins."""
        self._lost = True
        if self._worker is not None:
            self._worker.hang_up()
        self._arm(LOST_LIMIT_S)

    # One worker

    def _fork(self):
        execute.warm(self._tasks[self._done:])
        try:
            self._begin_worker(self._runtime.fork_worker(self, self._job.header, self._tasks[self._done:],
                                                         self._job.book_path))
        except OSError as error:
            self._not_forked(error)

    def _begin_worker(self, process):
        self._worker = process
        self._has_begun = False
        self._running = self._foreign = None
        self._since, self._started = processes.now_ticks(), time.time()
        self._temps = set()

    def _not_forked(self, error):
        """No process is to be had: an overloaded host, or a limit on the user's processes."""
        self._running, self._started = self._task(), time.time()
        self._report("failed", "no_process", "The host has no process for this task: %s" % error.strerror,
                     "See ulimit -u, and the host's memory")
        self._job.leg_over("failed", True)

    def disturbed(self, error):
        """The worker's frames make no sense any more."""
        self._terminate("failed", "module_crashed", "The module disturbed the worker's own pipe: %s" % error)

    def take(self, header, body):
        """A frame of the worker."""
        if self._ending is not None:
            return
        self._has_begun = True
        kind = header.get("kind") if header["t"] == "event" else header["t"]
        if kind == "started":
            self._begin(header)
        elif kind == "result":
            self._end(header)
        elif kind == "temp":
            (self._temps.discard if header["gone"] else self._temps.add)(header["path"])
        elif kind == "waiting":
            self._wait_for(header)
        elif header["t"] == "event":
            self._job.emit(header)
        else:
            self._job.relay(header, body)

    def _begin(self, header):
        self._running = self._task()
        self._since = header.pop("ticks")
        self._started = time.time()
        if self._running.get("timeout_s"):
            self._arm(float(self._running["timeout_s"]))
        if self._runtime.tells_workers:
            self._job.relay({"t": "worker", "pid": self._worker.pid, "since": self._since})
        self._job.emit(header)

    def _end(self, header):
        self._disarm()
        is_idle = header.pop("idle", False)
        note = self._worker.printed_note((self._running or {}).get("no_log"))
        if note:
            header["warnings"] = list(header.get("warnings") or []) + [note]
        self._running = self._foreign = None
        self._count(header["status"])
        self._job.emit(header, keep=True)
        if is_idle:
            spare, self._worker = self._worker, None
            self._runtime.keep_spare(spare)
            self._next("ok")

    def _wait_for(self, header):
        """The worker waits for a process of an earlier runtime: its time counts from when it began."""
        self._foreign = (int(header["pid"]), int(header["since"]))
        limit = self._running.get("timeout_s")
        if limit:
            self._arm(max(0.1, float(limit) - (time.time() - float(header["begun"]))))

    def _task(self):
        return self._tasks[self._done]

    def _count(self, status):
        task = self._task()
        self._done += 1
        if status in worker.ENDS_JOB:
            self._failed = True
            if not task.get("continue_on_failure"):
                self._stop = True

    # Its end

    def exited(self, status):
        """The worker is gone: by itself, or since this leg ended it (see `_step`)."""
        if self._ending is not None:
            return
        self._worker.read_printed()
        self._drop_temps()
        if self._worker.has_served and not self._has_begun and not self._lost:
            return self._fork_again()
        if self._running is None and self._done < len(self._tasks) and not self._lost and not self._stop:
            self._running = self._task()
        if self._running is not None:
            self._report("failed", *_cause(status))
        self._next("ok")

    def _fork_again(self):
        """A spare worker was ended by somebody before it began with this leg: the task is not to blame."""
        self._release()
        self._fork()

    def _terminate(self, status, code, message):
        """Kills the running task with all it started, and reports it as ``status``."""
        if self._ending is not None or self._worker is None or self._worker.pid is None:
            return
        while self._worker is not None and self._worker.read_events():
            pass
        if self._ending is not None or self._worker is None:
            return
        self._disarm()
        self._endings = [Termination(self._worker.pid, self._since)]
        if self._foreign:
            self._endings.append(Termination(self._foreign[0], self._foreign[1], is_own_child=False))
        self._ending = (status, code, message)
        self._left = []
        self._reactor.call_later(0.01, self._step)

    def _step(self):
        for ending in list(self._endings):
            if ending.step():
                self._left += ending.left
                self._endings.remove(ending)
        if self._endings:
            self._reactor.call_later(_STEP_S, self._step)
        elif self._worker.pid is not None:
            self._reactor.call_later(0.005, self._step)  # killed, and soon reaped
        else:
            self._ended()

    def _ended(self):
        status, code, message = self._ending
        self._drop_temps()
        hint = "These could not be killed: %s" % ", ".join(map(str, sorted(self._left))) if self._left else None
        if self._running is not None:
            self._report(status, code, message, hint)
        self._next("cancelled" if status == "cancelled" else "ok")

    def _report(self, status, code, message, hint=None):
        """A result in the name of a worker that could not give it."""
        task = self._running
        self._running = None
        result = execute.failure(code, message, hint)
        note = self._worker.printed_note(task.get("no_log")) if self._worker is not None else None
        result.update(status=status, warnings=[note] if note else [], started=self._started,
                      duration_s=round(max(0.0, time.time() - self._started), 6), replayed=False)
        self._write_receipt(task, result)
        self._count(status)
        self._job.emit(dict({"t": "event", "kind": "result", "task": task["id"]}, **result), keep=True)

    def _write_receipt(self, task, result):
        if not task.get("receipt") or self._job.book_path is None:
            return
        try:
            receipts.Book(self._job.book_path).end(dict(result, task=task["id"]))
        except OSError as error:
            result["warnings"].append("The receipt of this task could not be written: %s" % error)

    def _next(self, status):
        """Goes on with what is left, or hands back to the job."""
        self._release()
        if status == "cancelled":
            return self._job.leg_over("cancelled", True)
        if self._lost:
            return self._job.leg_over("lost", True)
        if self._done < len(self._tasks) and not self._stop:
            self._ending = None
            return self._fork()
        return self._job.leg_over("failed" if self._failed else "ok", self._stop)

    def _release(self):
        self._disarm()
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _drop_temps(self):
        for path in self._temps:
            _unlink(path)

    # Time

    def _arm(self, limit_s):
        if self._timer is not None and self._timer[0] <= time.monotonic() + limit_s:
            return
        self._disarm()
        self._timer = self._reactor.call_later(limit_s, self._time_is_up)

    def _disarm(self):
        self._reactor.cancel_timer(self._timer)
        self._timer = None

    def _time_is_up(self):
        self._timer = None
        limit = (self._running or {}).get("timeout_s")
        lost = "The connection was lost, and the task went on for too long"
        text = "The task took longer than its %g s" % limit if limit else lost
        self._terminate("failed", "timeout", text)


def _cause(status):
    """``(code, message, hint)`` of a worker that ended without a result."""
    if not os.WIFSIGNALED(status):
        return "module_crashed", "The module ended the worker with exit code %d" % os.WEXITSTATUS(status), None
    number = os.WTERMSIG(status)
    name = signal.Signals(number).name if number in set(signal.Signals) else "signal %d" % number
    if number == signal.SIGKILL:
        return "killed", "The worker was killed by SIGKILL", "Was the host out of memory? (dmesg, journalctl -k)"
    if number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        return "killed", "The worker was ended by %s" % name, None
    return "module_crashed", "The module crashed the worker with %s" % name, None


def _unlink(path):
    try:
        files.discard(path)
    except OSError:
        pass  # gone, or in the hands of whoever removed its directory
