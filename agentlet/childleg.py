"""Some tasks of a job in the hands of a runtime of another user: relays its frames, and tells how it ended."""

from agentlet import become
from agentlet.execute import failure
from agentlet.worker import ENDS_JOB

CANCEL_LIMIT_S = 30.0


class ChildLeg(object):
    """A leg of a job in the hands of a child runtime. Same interface as `workerleg.WorkerLeg`."""

    def __init__(self, runtime, job, tasks, child):
        self._runtime = runtime
        self._job = job
        self._tasks = tasks
        self._child = child
        self._done = 0
        self._running = None
        self._failed = self._stop = self._over = self._cancelled = False
        self._timer = None

    def start(self):
        self._child.when_ready(self)

    def ready(self):
        if self._over:
            return
        self._child.legs[self._job.id] = self
        self._child.send_sources()
        tasks = [dict(task, become=None) for task in self._tasks]
        self._child.send(dict(self._job.header, t="job", tasks=tasks, deadline_s=self._job.left_s()))

    def refused(self, fault):
        """The other user cannot be had: every task of this leg fails that would have been tried."""
        while self._done < len(self._tasks) and not self._stop and not self._over:
            self._report("failed", fault)
        self._end("failed")

    def broken(self, fault):
        """The child is gone in the middle: the running task has no result and never will."""
        if self._running is not None:
            self._report("interrupted", fault)
        self._stop = True
        self._end("failed")

    def handle(self, header, body):
        kind = header.get("kind") if header["t"] == "event" else header["t"]
        if kind == "finished":
            return self._end(header["status"] if header["status"] in ("ok", "cancelled", "lost") else "failed")
        event = {name: value for name, value in header.items() if name not in ("attempt", "seq")}
        if kind == "started":
            self._running = self._tasks[self._done]
        elif kind == "result":
            self._running = None
            self._count(header["status"])
        if header["t"] == "event":
            return self._job.emit(event)
        return self._job.relay(header, body)

    def send(self, header, body):
        self._child.send(header, body)

    def cancel(self):
        self._cancelled = True
        if self._child.state != "ready":
            return self._end("cancelled")
        self._child.send({"t": "cancel", "job": self._job.id})
        self._timer = self._runtime.reactor.call_later(CANCEL_LIMIT_S, self._unheard)
        return None

    def expire(self):
        self._stop = True
        if self._child.state != "ready":
            self.refused(become.Fault("timeout", "The job's deadline came before %s was ready"
                                      % self._child.identity.method, None))

    def lose(self):
        if self._child.state != "ready":
            self._end("lost")

    def _unheard(self):
        self._timer = None
        if self._running is not None:
            self._report("cancelled", become.Fault(
                "cancel_unconfirmed", "The runtime as %s did not confirm that the task was stopped"
                % self._child.identity.user, "Look for its processes on the host"))
        self._end("cancelled")

    def _report(self, status, fault):
        task = self._tasks[self._done]
        self._running = None
        result = failure(fault.code, fault.message, fault.hint)
        result.update(status=status, started=self._runtime.time(), duration_s=0.0, replayed=False)
        self._job.emit(dict({"t": "event", "job": self._job.id, "kind": "result", "task": task["id"]}, **result))
        self._count(status)

    def _count(self, status):
        task = self._tasks[min(self._done, len(self._tasks) - 1)]
        self._done += 1
        if status in ENDS_JOB:
            self._failed = True
            self._stop = self._stop or not task.get("continue_on_failure")

    def _end(self, status):
        if self._over:
            return
        self._over = True
        self._runtime.reactor.cancel_timer(self._timer)
        self._child.legs.pop(self._job.id, None)
        self._job.leg_over("cancelled" if self._cancelled else status, self._stop or status in ("cancelled", "lost"))
