"""The runtimes of one attempt, one after the other: what they are asked to do, and what they say of it."""

import time
import zlib

from agentlet.pull import holding, plan, retrying, runtimechild
from agentlet.pull.faults import Answered, is_full
from agentlet.pull.survivors import Survivors
from agentlet.pull.transfers import Transfers


class Execution(object):
    """``take(event)`` keeps an event. ``wait(seconds)`` is False once the job is cancelled: then nothing is waited for.

    `run` is for one thread; `cancel` and `kill` come from any.
    """

    def __init__(self, agent, folder, envelope, spool, wait, take):
        self._agent = agent
        self._folder = folder
        self._envelope = envelope
        self._spool = spool
        self._wait = wait
        self._take = take
        self._name = {"job": envelope["job"], "attempt": envelope["attempt"]}
        self._child = None
        self.survivors = Survivors(folder)

    # From any thread

    def cancel(self):
        self._send({"t": "cancel", "job": self._name["job"]})

    def kill(self):
        """Ends the runtime with all that it has started; `run` raises `RuntimeLost`."""
        child = self._child
        if child is not None:
            child.kill()

    # From the job's own

    def run(self, tasks, deadline_s):
        """Whether the job goes on behind these tasks. `RuntimeLost` when that cannot be known."""
        child = self._child or self._start()
        sizes = {digest: size for digest, size in self._envelope["blobs"]}
        transfers = Transfers(child, self._spool, sizes, self._agent.cache, self._agent.gateway(), self._until_there)
        try:
            child.send({"t": "job", "id": self._name["job"], "attempt": self._name["attempt"],
                        "deadline_s": deadline_s, "check": self._envelope.get("check"),
                        "diff": self._envelope.get("diff"), "tasks": [self._with_word(task) for task in tasks]})
            if not self._wait(0):
                self.cancel()
            return self._listen(child, transfers)
        finally:
            transfers.close()

    def lose(self, is_adopted):
        """The runtime is gone, or has to go: what it leaves behind may end where the next one finds it, or is ended."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
        self.survivors.disown()
        self.survivors.let_end(self._wait, is_adopted)

    def ack(self):
        """The spool has everything: the receipts may go."""
        self._send(dict(self._name, t="ack"))

    def close(self):
        """Lets the runtime end by itself."""
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def is_uncertain(self, task):
        """Whether this task has begun, and must not run twice."""
        return (task is not None and task["id"] == self._spool.running and bool(task.get("receipt"))
                and not task.get("retry_safe"))

    # The inside

    def _start(self):
        child = self._child = runtimechild.start(self._agent.runtime_command, self._folder)
        self._note(child.pid)
        child.hello(self._envelope["host"])
        gateway = self._agent.gateway()
        try:
            sources = self._until_done(lambda: [(name, self._agent.cache.read(digest, size, gateway.blob))
                                                for name, digest, size in self._envelope["sources"]])
        finally:
            gateway.close()
        for name, text in sources:
            child.send({"t": "source", "name": name}, zlib.compress(text))
        for name, value in self._envelope["secrets"].items():
            child.send({"t": "secret", "name": name, "value": value})
        return child

    def _note(self, pid):
        try:
            self.survivors.note_runtime(pid)
        except OSError as error:
            if not is_full(error) or not self._folder.release_reserve():
                raise
            self.survivors.note_runtime(pid)

    def _listen(self, child, transfers):
        while True:
            header, body = child.receive()
            if header["t"] == "worker":
                self._note_worker(header)
            elif header["t"] != "event":
                transfers.take(header, body)
            elif header["kind"] == "finished":
                return header["status"] == "ok"
            else:
                if header["kind"] == "result":
                    # Who reads the result looks for the file: it must be there before.
                    transfers.drain(lambda: self._wait(0))
                self._take({name: value for name, value in header.items() if name != "seq"})

    def _note_worker(self, header):
        try:
            self.survivors.note_worker(int(header["pid"]), int(header["since"]))
        except OSError:
            pass  # a full disk: its runtime is written down

    def _with_word(self, task):
        """The task, with what is to be said of it if it had begun and the receipts do not know its end."""
        if task["id"] != self._spool.running:
            return task
        refused = self._agent.intake.refusal(task)
        result = plan.result_of_begun(task, self.is_uncertain(task), refused, time.time())
        if result is None:
            return task
        return dict(task, unless_recorded={name: result[name] for name in result if name not in ("kind", "task")})

    def _send(self, header):
        child = self._child
        if child is not None:
            child.send(header)

    def _until_done(self, act):
        return retrying.until_done(act, self._agent.settings, self._wait)

    def _until_there(self, act):
        """The same for files: a server that has forgotten who has the job gives none, and takes none."""
        try:
            return self._until_done(act)
        except Answered as error:
            if not holding.is_forgotten(error) or not self._is_taken_up():
                raise
            return self._until_done(act)

    def _is_taken_up(self):
        gateway = self._agent.gateway()
        try:
            return self._until_done(lambda: self._agent.intake.take_up(gateway, self._spool))
        except Answered:
            return False
        finally:
            gateway.close()
