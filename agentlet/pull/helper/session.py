"""One signed job, as one user: the tasks that the agentlet names are judged, and done by a runtime of that user.

What reaches the runtime is made here: tasks come from the signed envelope, sources and files are those whose digests it
names, the greeting and the job's frame are the helper's own. Of the agentlet's words only ids, numbers and pieces of
files go through.
"""

import threading
import time
import zlib

from agentlet.digests import sha256
from agentlet.pull import course, plan
from agentlet.pull.helper import requests
from agentlet.pull.runtimechild import RuntimeLost
from agentlet.wire import WireError

_TURN_S = 0.2
_TO_AGENTLET = ("event", "need", "upload", "worker")


class Session(object):
    """``start()`` gives the `RuntimeChild`; ``refusal(task)`` is a `plan.Refused` or None; ``say`` logs a line."""

    def __init__(self, line, envelope, user, attempt, start, refusal, say):
        self._line = line
        self._envelope = envelope
        self._user = user
        self._tasks = {task["id"]: task for task in envelope["tasks"] if plan.become_user(task) == user}
        self._sources = {name: (digest, size) for name, digest, size in envelope["sources"]}
        self._blobs = {digest for digest, _ in envelope["blobs"]}
        self._attempt = attempt
        self._start = start
        self._refusal = refusal
        self._say = say
        self._child = None
        self._course = None
        self._deadline = None
        self._not_again = frozenset()
        self._has_sent_file = False
        self._lock = threading.RLock()

    def run(self):
        """Until the agentlet is gone and nothing runs any more. `WireError` for a request that makes no sense."""
        try:
            early = self._await_turn()
            if early is None:
                return
            for header, body in early:
                self._take(header, body)
            while True:
                frame = self._line.receive()
                if frame is None:
                    break
                if not self._take(*frame):
                    return
        except (OSError, WireError, RuntimeLost) as error:
            self._say("job %s: %s" % (self._envelope["job"], error))
            self._tell({"t": "fault", "message": str(error)})
        finally:
            # The agentlet is gone: what runs may end, and its result is kept.
            with self._lock:
                if self._course is not None:
                    self._course.cancel()
            if self._child is not None:
                self._child.hang_up()

    def _await_turn(self):
        """An earlier session, whose agentlet was lost, may still have a task running: it is waited for. What came
        meanwhile; None when nobody waits any more."""
        early, size = [], 0
        while not self._attempt.take():
            if not self._line.comes(_TURN_S):
                continue
            frame = self._line.receive()
            if frame is None:
                return None
            requests.checked(*frame)
            if frame[0]["t"] in ("cancel", "kill"):
                left = self._attempt.end_other()
                if frame[0]["t"] == "kill":
                    return self._tell_killed(left)
            early.append(frame)
            size += len(frame[1])
            if size > requests.LARGEST_TEXT or len(early) > requests.MOST_TASKS:
                raise WireError("Too much came before the session's turn")
        return early

    # Requests

    def _take(self, header, body):
        """False when it is over."""
        request = requests.checked(header, body)
        kind = request["t"]
        if kind == "kill":
            left = self._child.kill() if self._child is not None else self._attempt.end_other()
            self._tell_killed(left)
            return False
        handler = _HANDLERS.get(kind)
        if handler is None:
            raise WireError("A session takes no %s" % kind)
        handler(self, request, body)
        return True

    def _source(self, request, body):
        digest, size = self._sources.get(request["name"], (None, 0))
        if digest is None or not 0 <= size <= requests.LARGEST_SOURCE:
            raise WireError("The job names no source %s" % request["name"])
        text = _unpacked(body, size)
        if sha256(text).hexdigest() != digest:
            raise WireError("The source of %s is not the one that the job names" % request["name"])
        # Packed anew: behind the text there could be code, which would be believed.
        self._runtime().send({"t": "source", "name": request["name"]}, zlib.compress(text, 1))

    def _job(self, request, body):
        unknown = [name for name in request["tasks"] + request["not_again"] if name not in self._tasks]
        if unknown:
            raise WireError("The job has no task %s for %s" % (unknown[0], self._user))
        if request["tasks"] != [name for name in self._tasks if name in frozenset(request["tasks"])]:
            raise WireError("Tasks are done in the order that the job has them")
        with self._lock:
            if self._course is not None:
                raise WireError("Tasks of this job run already")
            tasks = [self._tasks[name] for name in request["tasks"]]
            limits = [limit for limit in (request["deadline_s"], self._envelope.get("deadline_s")) if limit]
            self._deadline = time.monotonic() + min(limits) if limits else None
            self._not_again = frozenset(request["not_again"])
            # Each alone that is not to be run: it has its result, or gets it from here.
            self._course = course.Course(course.legs(tasks, self._judged))
            self._next()

    def _judged(self, task):
        """Why it is not run; None when it is."""
        known = self._attempt.results().get(task["id"])
        return known if known is not None else self._refusal(task)

    def _next(self):
        while True:
            part = self._course.next()
            if part is None:
                status, self._course = self._course.status, None
                return self._tell({"t": "event", "kind": "finished", "status": status})
            why, tasks = part
            if why is None:
                return self._do(tasks)
            for task in tasks:
                self._answer_for(task, why)
            self._course.over("ok")

    def _answer_for(self, task, why):
        if isinstance(why, plan.Refused):
            self._say("job %s, task %s: %s" % (self._envelope["job"], task["id"], why.message))
            event = plan.refused_result(task, why, time.time())
        else:
            event = dict(why, kind="result", replayed=True)
        self._course.result(task["id"], event["status"])
        self._tell(dict(event, t="event"))

    def _do(self, tasks):
        left = None if self._deadline is None else max(0.1, self._deadline - time.monotonic())
        self._runtime().send({"t": "job", "id": self._envelope["job"], "attempt": self._envelope["attempt"],
                              "deadline_s": left, "check": self._envelope.get("check"),
                              "diff": self._envelope.get("diff"), "tasks": [self._plain(task) for task in tasks]})

    def _plain(self, task):
        """As the runtime of that user is given it. One that had begun is not run again, if the agentlet does not want
        it, unless the receipts know its end."""
        task = dict(task, become=None)
        if task["id"] in self._not_again:
            refused = plan.Refused(plan.NOT_AGAIN, "This task had begun before, and left no result")
            result = plan.refused_result(task, refused, time.time())
            task["unless_recorded"] = {name: result[name] for name in result if name not in ("kind", "task")}
        return task

    def _blob(self, request, body):
        if request["digest"] not in self._blobs:
            raise WireError("The job names no file %s" % request["digest"])
        self._to_job(request, body)

    def _to_job(self, request, body=b""):
        if self._child is not None:
            self._child.send(dict(request, job=self._envelope["job"]), body)

    def _cancel(self, request, body):
        with self._lock:
            if self._course is not None:
                self._course.cancel()
        self._to_job(request)

    def _ack(self, request, body):
        self._attempt.close()
        self._to_job(dict(request, attempt=self._envelope["attempt"]))

    def _bye(self, request, body):
        if self._child is not None:
            self._child.send({"t": "bye"})

    # The runtime

    def _runtime(self):
        if self._child is None:
            self._child = self._start()
            self._attempt.holds(self._child.pid)
            self._child.hello(self._envelope["host"])
            threading.Thread(target=self._listen, name="runtime").start()
        return self._child

    def _listen(self):
        """What the runtime says, until it ends: also when the agentlet is gone."""
        try:
            while True:
                header, body = self._child.receive()
                self._hear(header, body)
        except RuntimeLost as error:
            self._tell({"t": "fault", "message": str(error)})
        except Exception as error:  # that user's runtime may say anything; a result that cannot be written is none
            self._say("job %s: %s: %s" % (self._envelope["job"], type(error).__name__, error))
            self._child.kill()
        self._line.shut()

    def _hear(self, header, body):
        kind = header.get("kind") if header["t"] == "event" else header["t"]
        with self._lock:
            if kind == "finished":
                if self._course is not None:
                    self._course.over(header["status"])
                    self._next()
                return
            if kind == "result" and self._course is not None:
                self._keep(header)
            self._has_sent_file = self._has_sent_file or kind == "upload"
            if header["t"] in _TO_AGENTLET:
                self._tell(header, body)

    def _keep(self, header):
        if header["task"] not in [task["id"] for task in self._course.waiting()]:
            raise WireError("The runtime has a result of %r, which it was not given" % (header["task"],))
        # One that came with a file is not kept: nobody can send the file again but the task. Nor is one that is not the
        # task's own.
        if not self._has_sent_file and (header.get("error") or {}).get("code") != plan.NOT_AGAIN:
            self._attempt.add(header)
        self._has_sent_file = False
        self._course.result(header["task"], header["status"])

    # To the agentlet

    def _tell(self, header, body=b""):
        if header["t"] == "event":
            header = dict(header, job=self._envelope["job"], attempt=self._envelope["attempt"])
        try:
            self._line.send(header, body)
        except OSError:
            pass  # it is gone; what is a result is kept

    def _tell_killed(self, left):
        self._tell({"t": "killed", "left": left})


def _unpacked(body, size):
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(body, size + 1)
    except zlib.error as error:
        raise WireError("A source cannot be unpacked: %s" % error)
    if len(text) != size:
        raise WireError("A source has not the %d bytes that the job names" % size)
    return text


_HANDLERS = {
    "source": Session._source, "job": Session._job, "blob": Session._blob, "cancel": Session._cancel,
    "blob_error": lambda self, request, body: self._to_job(request),
    "credit": lambda self, request, body: self._to_job(request), "ack": Session._ack, "bye": Session._bye,
}
