"""One job in a thread: has the runtime do what is left of it, and keeps every event before anybody else sees it.

The same code begins a job and goes on with it after a crash: what the spool has is not asked for again, and the
runtime answers from its receipts for what had begun.
"""

import threading
import time
import zlib

from agentlet.pull import plan, retrying
from agentlet.pull.faults import AgentletError, Answered, Unreachable, Untrusted
from agentlet.pull.runtimechild import RuntimeChild, RuntimeLost
from agentlet.pull.transfers import Transfers

MOST_RUNTIMES = 5
"""A job whose runtime is lost so often is given up; the task that was running is blamed each time."""


class Runner(threading.Thread):
    """``agent`` gives gateways, cache, settings, intake and log, and is told `job_over(runner)`."""

    def __init__(self, agent, folder, envelope, spool):
        super().__init__(name="job")
        self.daemon = True
        self.envelope = envelope
        self.job = envelope["job"]
        self.attempt = envelope["attempt"]
        self.folder = folder
        self.spool = spool
        self._agent = agent
        self._records = folder.records()
        self._child = None
        self._cancelled = threading.Event()
        self._over = threading.Event()
        self._left = []
        self._shed = None
        self._begun = time.monotonic()

    def key(self):
        """What the job was claimed with."""
        return self._records["claimed"]["key"]

    # From other threads

    def cancel(self):
        """TERM and KILL to everything the job started; it is final when nothing of it is left."""
        if self._cancelled.is_set() or self._over.is_set():
            return
        self._cancelled.set()
        self._agent.log.say("job %s is cancelled" % self.job)
        child = self._child
        if child is not None:
            child.send({"t": "cancel", "job": self.job})
        threading.Thread(target=self._insist, name="cancel", daemon=True).start()

    def shed(self, why):
        """Stops the runtime, to save the host; the running task is blamed."""
        self._shed = why
        child = self._child
        if child is not None:
            child.kill()

    def _insist(self):
        """Kills a runtime that does not confirm a cancel in time."""
        if not self._over.wait(self._agent.settings.cancel_s):
            child = self._child
            if child is not None:
                self._left = child.kill()

    # The thread

    def run(self):
        try:
            if self._begin():
                self._work()
                self._finish()
        except Answered as error:
            self._agent.abandon(self, "the server does not want it: %s" % error)
        except retrying.GaveUp as error:
            self._not_begun(error)
        except Exception as error:  # a job's own fault must not take the agentlet with it
            self._broken(error)
        finally:
            self._over.set()
            self._close_child()
            self._agent.job_over(self)

    def _begin(self):
        """Fetches what the job needs and tells the server; nothing has happened on this host until then."""
        if "started" in self._records:
            return True
        gateway = self._agent.gateway()
        try:
            retrying.until_done(lambda: self._sources(gateway), self._agent.settings, self._wait_begin)
            self.folder.record("starting")
            retrying.until_done(lambda: gateway.start(self.job, self.attempt, self.key()), self._agent.settings,
                                self._wait_begin)
            self.folder.record("started")
        finally:
            gateway.close()
        self._records = self.folder.records()
        return True

    def _wait_begin(self, seconds):
        lease_over = time.monotonic() - self._begun + seconds > self._agent.settings.lease_s
        return not lease_over and not self._cancelled.wait(seconds)

    def _wait(self, seconds):
        return not self._cancelled.wait(seconds)

    def _sources(self, gateway):
        return [(name, self._agent.cache.read(digest, size, gateway.blob))
                for name, digest, size in self.envelope["sources"]]

    def _work(self):
        lost = 0
        while True:
            parts = plan.remaining(self.envelope["tasks"], self.spool.results, self._agent.intake.refusal)
            if not parts or self._cancelled.is_set():
                return
            try:
                for tasks, refused in parts:
                    if refused is not None:
                        self._add(plan.refused_result(tasks[0], refused, time.time()))
                    elif not self._run_tasks(tasks) or self._cancelled.is_set():
                        return
                return
            except RuntimeLost as error:
                self._child, child = None, self._child
                if child is not None:
                    self._left = child.kill()
                if self._cancelled.is_set():
                    return
                lost += 1
                self._blame(error, lost)

    def _blame(self, error, lost):
        """The runtime is gone: the task that ran may be why. Another one goes on, from its receipts."""
        self._agent.log.tell("job %s: %s" % (self.job, self._shed or error))
        self._shed = None
        task = self._task(self.spool.running)
        if task is not None:
            self._agent.intake.quarantine.blame(task)
        if lost >= MOST_RUNTIMES:
            tasks = plan.remaining(self.envelope["tasks"], self.spool.results, lambda task: None)[0][0]
            refused = plan.Refused("runtime_lost", "The runtime was lost %d times: %s" % (lost, error))
            self._add(plan.refused_result(dict(tasks[0], continue_on_failure=False), refused, time.time()))
            raise AgentletError("The runtime was lost %d times" % lost)

    def _task(self, name):
        return next((task for task in self.envelope["tasks"] if task["id"] == name), None)

    def _run_tasks(self, tasks):
        """Whether the job goes on behind these tasks. `RuntimeLost` when that cannot be known."""
        child = self._child or self._start_child()
        sizes = {digest: size for digest, size in self.envelope["blobs"]}
        transfers = Transfers(child, self.job, self.attempt, sizes, self._agent.cache, self._agent.gateway(),
                              lambda act: retrying.until_done(act, self._agent.settings, self._wait))
        try:
            child.send({"t": "job", "id": self.job, "attempt": self.attempt, "deadline_s": self._left_s(),
                        "check": self.envelope.get("check"), "diff": self.envelope.get("diff"), "tasks": tasks})
            if self._cancelled.is_set():
                child.send({"t": "cancel", "job": self.job})
            while True:
                header, body = child.receive()
                if header["t"] != "event":
                    transfers.take(header, body)
                elif header["kind"] != "finished":
                    if header["kind"] == "result":
                        # Who reads the result looks for the file: it must be there before.
                        transfers.drain(lambda: not self._cancelled.is_set())
                    self._add({name: value for name, value in header.items() if name != "seq"})
                else:
                    return header["status"] == "ok"
        finally:
            transfers.close()

    def _start_child(self):
        child = self._child = RuntimeChild(self._agent.runtime_command, self.folder.path + "/runtime.stderr")
        child.hello(self.envelope["host"])
        gateway = self._agent.gateway()
        try:
            sources = retrying.until_done(lambda: self._sources(gateway), self._agent.settings, self._wait)
        finally:
            gateway.close()
        for name, text in sources:
            child.send({"t": "source", "name": name}, zlib.compress(text))
        for name, value in self.envelope["secrets"].items():
            child.send({"t": "secret", "name": name, "value": value})
        return child

    def _left_s(self):
        """Of the job's time, which counts from when it was first begun."""
        deadline_s = self.envelope.get("deadline_s")
        if not deadline_s:
            return None
        return max(1.0, deadline_s - (time.time() - self._records["started"]["time"]))

    def _add(self, event):
        self.spool.add(event)
        self._agent.events_waiting()

    def _finish(self):
        left = plan.remaining(self.envelope["tasks"], self.spool.results, lambda task: None)
        # Tasks without a result and without a failure before them: the job's deadline came between two tasks.
        status = "failed" if left else plan.status_of(self.spool.results)
        if self._cancelled.is_set():
            status = "cancelled"
            task = self._task(self.spool.running)
            if task is not None:
                self._add(dict(plan.refused_result(task, plan.Refused("cancelled", "The task was cancelled"),
                                                   time.time()), status="cancelled"))
        self._stored(status)

    def _stored(self, status, **values):
        while True:
            try:
                self.spool.finish(status, left=self._left, **values)
                break
            except OSError as error:  # a full disk: the end is told when there is room again, or by who comes next
                self._agent.log.say("job %s: its end cannot be written: %s" % (self.job, error))
                if self._agent.stopping.wait(self._agent.settings.retry_s[0]):
                    return
        if self._child is not None:
            # From here on the spool is what knows: the runtime's receipts may go.
            self._child.send({"t": "ack", "job": self.job, "attempt": self.attempt})
        self._agent.events_waiting()

    def _not_begun(self, error):
        """Nothing has happened. A cancel is confirmed; else the server's lease ends, and it offers the job anew."""
        if self._cancelled.is_set():
            self._stored("cancelled")
        else:
            self._agent.abandon(self, "it could not be begun in time: %s" % error)

    def _broken(self, error):
        self._agent.log.tell("job %s: %s: %s" % (self.job, type(error).__name__, error))
        if "started" in self.folder.records():
            self._stored("failed")
            return
        try:
            self._agent.intake.cannot_begin(self, error)
        except (Answered, Unreachable, Untrusted):
            pass  # the server's lease will end, and it offers the job anew
        self._agent.abandon(self, str(error))

    def _close_child(self):
        child, self._child = self._child, None
        if child is not None:
            child.close()
