"""One job in a thread: has the runtime do what is left of it, and keeps every event before anybody else sees it.

The same code begins a job and goes on with it after a crash: what the spool has is not asked for again, what an earlier
agentlet's runtime still runs may end, and the runtime answers from its receipts for what had begun.
"""

import threading
import time

from agentlet.pull import holding, plan, retrying, runtimechild
from agentlet.pull.execution import Execution
from agentlet.pull.faults import AgentletError, Answered, Unreachable, is_full
from agentlet.pull.runtimechild import RuntimeLost

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
        self._is_resumed = "started" in self._records
        self._cancelled = threading.Event()
        self._over = threading.Event()
        self._shed = None
        self._begun = time.monotonic()
        self._execution = Execution(agent, folder, envelope, spool, self._wait, self._take)
        if "cancelled" in self._records:
            self._cancelled.set()

    def key(self):
        """What the job was claimed with."""
        return self.spool.key

    # From other threads

    def cancel(self):
        """TERM and KILL to everything the job started; it is final when nothing of it is left."""
        if self._cancelled.is_set() or self._over.is_set():
            return
        self._cancelled.set()
        self._agent.log.say("job %s is cancelled" % self.job)
        try:
            self.folder.record("cancelled")
        except OSError:
            pass  # a full disk: should we be killed, the server asks again
        self._execution.cancel()
        threading.Thread(target=self._insist, name="cancel", daemon=True).start()

    def shed(self, why):
        """Stops the runtime, to save the host; the running task is blamed."""
        self._shed = why
        self._execution.kill()

    def _insist(self):
        """Kills a runtime that does not confirm a cancel in time."""
        if not self._over.wait(self._agent.settings.cancel_s):
            self._execution.kill()

    # The thread

    def run(self):
        try:
            if self._begin():
                self._execution.survivors.let_end(self._wait, self._is_uncertain())
                self._work()
                self._finish()
        except Answered as error:
            self._refused(error)
        except retrying.GaveUp as error:
            self._not_begun(error)
        except Exception as error:  # a job's own fault must not take the agentlet with it
            self._broken(error)
        finally:
            self._over.set()
            self._execution.close()
            self._agent.job_over(self)

    def _begin(self):
        """Fetches what the job needs and tells the server; nothing has happened on this host until then.

        False when the agentlet stops before the server has said that what had begun is still ours.
        """
        gateway = self._agent.gateway()
        try:
            if self._is_resumed:
                return self.spool.is_ours or self._go_on(gateway)
            retrying.until_done(lambda: self._sources(gateway), self._agent.settings, self._wait_begin)
            self.folder.record("starting")
            retrying.until_done(lambda: gateway.start(self.job, self.attempt, self.key()), self._agent.settings,
                                self._wait_begin)
            self.folder.record("started")
        finally:
            gateway.close()
        self._records = self.folder.records()
        return True

    def _go_on(self, gateway):
        """Everything else waits, a cancel too: another machine may be the one that has the job."""
        def go_on():
            try:
                holding.go_on(gateway, self.folder, self.spool, self._agent.place)
            except Answered as error:
                if not holding.is_forgotten(error) or not self._agent.intake.take_up(gateway, self.spool):
                    raise
                holding.go_on(gateway, self.folder, self.spool, self._agent.place)

        try:
            retrying.until_done(go_on, self._agent.settings, self._wait_stopping)
            self._agent.events_waiting()
            return True
        except retrying.GaveUp:
            return False
        except Answered as error:
            self._agent.unwanted(self.spool, str(error))
            self._finish()
            return False

    def _sources(self, gateway):
        for _, digest, size in self.envelope["sources"]:
            self._agent.cache.open(digest, size, gateway.blob).close()

    def _wait_begin(self, seconds):
        lease_over = time.monotonic() - self._begun + seconds > self._agent.settings.lease_s
        return not lease_over and not self._cancelled.wait(seconds)

    def _wait(self, seconds):
        return not self._cancelled.wait(seconds)

    def _wait_stopping(self, seconds):
        return not self._agent.stopping.wait(seconds)

    def _work(self):
        lost = 0
        while True:
            parts = plan.remaining(self.envelope["tasks"], self.spool.results, self._refusal)
            if not parts or self._cancelled.is_set():
                return
            try:
                for tasks, refused in parts:
                    if refused is not None:
                        self._add(plan.refused_result(tasks[0], refused, time.time()))
                    elif not self._execution.run(tasks, self._left_s()) or self._cancelled.is_set():
                        return
                return
            except RuntimeLost as error:
                self._execution.lose(is_adopted=not self._shed and self._is_uncertain())
                if self._cancelled.is_set():
                    return
                lost += 1
                self._blame(error, lost)

    def _refusal(self, task):
        """Why a task does not run. Not of one that had begun: the receipts are asked for that first."""
        return None if task["id"] == self.spool.running else self._agent.intake.refusal(task)

    def _blame(self, error, lost):
        """The runtime is gone: the task that ran may be why. Another one goes on, from its receipts."""
        self._agent.log.tell("job %s: %s" % (self.job, self._shed or error))
        self._shed = None
        task = self._task(self.spool.running)
        if task is not None:
            self._agent.intake.quarantine.blame(task)
        if lost >= MOST_RUNTIMES:
            fault = AgentletError("The runtime was lost %d times: %s" % (lost, error))
            fault.code = "runtime_lost"
            raise fault

    def _task(self, name):
        return next((task for task in self.envelope["tasks"] if task["id"] == name), None)

    def _is_uncertain(self):
        return self._execution.is_uncertain(self._task(self.spool.running))

    def _left_s(self):
        """Of the job's time, which counts from when it was first begun."""
        deadline_s = self.envelope.get("deadline_s")
        if not deadline_s:
            return None
        return max(1.0, deadline_s - (time.time() - self._records["started"]["time"]))

    def _take(self, event):
        """An event of the runtime."""
        if event["kind"] == "result" and event["status"] not in plan.ENDS_JOB:
            self._agent.intake.quarantine.forgive(self._task(event["task"]))
        self._add(event)

    def _add(self, event):
        self.spool.add(event)
        self._agent.events_waiting()

    # Its end

    def _finish(self):
        left = plan.remaining(self.envelope["tasks"], self.spool.results, lambda task: None)
        # Tasks without a result and without a failure before them: the job's deadline came between two tasks.
        status = "failed" if left else plan.status_of(self.spool.results)
        if self._cancelled.is_set():
            if self._is_resumed and not self._end_others():
                return
            if not self._execution.survivors.end_all(self._wait_stopping, self._tell_left):
                return  # whoever starts next goes on from here
            status = "cancelled"
            task = self._task(self.spool.running)
            if task is not None:
                self._add(dict(plan.refused_result(task, plan.Refused("cancelled", "The task was cancelled"),
                                                   time.time()), status="cancelled"))
        self._stored(status)

    def _end_others(self):
        """What runs as other users ends by the root helper's hand, asked until it answers; False when we stop."""
        while True:
            try:
                runtimechild.end_others(self._agent.runtime_command, self.folder)
                return True
            except Unreachable as error:
                self._agent.log.tell("job %s is cancelled, and that cannot be confirmed yet: %s" % (self.job, error))
                if not self._wait_stopping(self._agent.settings.retry_s[0]):
                    return False

    def _tell_left(self, pids):
        self._agent.log.tell("job %s is cancelled, but these do not end: %s" % (self.job, pids))

    def _stored(self, status):
        while True:
            try:
                self.spool.finish(status)
                break
            except OSError as error:  # a full disk: the end is told when there is room again, or by who comes next
                self._agent.log.say("job %s: its end cannot be written: %s" % (self.job, error))
                if not self._wait_stopping(self._agent.settings.retry_s[0]):
                    return
        self._execution.ack()
        self._agent.events_waiting()

    def _not_begun(self, error):
        """Nobody waits any more. A cancel is confirmed; else the server's lease ends, and it offers the job anew."""
        if self._cancelled.is_set():
            self._finish()
        else:
            self._agent.abandon(self, "it could not be begun in time: %s" % error)

    def _refused(self, error):
        """The server has said no: it does not want the job, or has not got what is needed to go on with it."""
        if "started" in self.folder.records():
            self._broken(error)
        else:
            self._agent.abandon(self, "the server does not want it: %s" % error)

    def _broken(self, error):
        self._agent.log.tell("job %s: %s: %s" % (self.job, type(error).__name__, error))
        if "started" in self.folder.records():
            self._execution.lose(is_adopted=False)
            self._explain(error)
            self._finish()
            return
        try:
            retrying.until_done(lambda: self._agent.intake.cannot_begin(self, error), self._agent.settings,
                                self._wait_begin)
        except (Answered, retrying.GaveUp):
            pass  # by the end of the lease the server knows that nothing comes
        self._agent.abandon(self, str(error))

    def _explain(self, error):
        """The task that would have been next has a result that says why it has none of its own."""
        parts = plan.remaining(self.envelope["tasks"], self.spool.results, lambda task: None)
        if not parts or self._cancelled.is_set():
            return
        task, code = parts[0][0][0], "no_space" if is_full(error) else "agentlet_failed"
        refused = plan.Refused(getattr(error, "code", code), str(error), getattr(error, "hint", None))
        try:
            self._add(plan.result_of_begun(task, self._execution.is_uncertain(task), refused, time.time()))
        except OSError as broken:
            self._agent.log.tell("job %s: its result cannot be written: %s" % (self.job, broken))
