"""A job in several hands: what asks for another user goes to the root helper, the rest to a runtime of this user.

To whom it works for (`runner`) it is one runtime, with the same frames.
"""

import json
import os
import pwd
import threading
import time

from agentlet.pull import course, plan
from agentlet.pull.door import Door
from agentlet.pull.faults import AgentletError, EnvelopeRefused, Unreachable
from agentlet.pull.runtimechild import RuntimeChild, RuntimeLost
from agentlet.wire import WireError

_KILLED_S = 30.0
_MESSAGE_CHARS = 2000


class Hands(object):
    """``command`` starts a runtime of this user; ``socket``: the helper's."""

    def __init__(self, command, socket):
        self._command = command
        self._socket = socket

    def start(self, folder):
        """The `DividedRuntime` for a job's folder."""
        text, signature = folder.envelope()
        own = RuntimeChild(self._command, folder.path + "/runtime.stderr")
        return DividedRuntime(own, lambda user: Door(self._socket).open(text, signature, user))

    def end(self, folder):
        """Has the helper end what an earlier session still runs for this job, as whomever.

        `Unreachable` when it does not answer, or when something does not end.
        """
        text, signature = folder.envelope()
        left = []
        for user in sorted({plan.become_user(task) for task in json.loads(text)["tasks"]} - {None}):
            try:
                line = Door(self._socket).open(text, signature, user)
            except EnvelopeRefused:
                continue  # nothing of that user's runs, or may run again
            left += killed(line)
        if left:
            raise Unreachable("These do not end: %s" % left)


class DividedRuntime(object):
    """``own``: the `RuntimeChild` of this user. ``open_session(user)`` gives a `FrameSocket`, or says why not."""

    def __init__(self, own, open_session):
        self.pid = own.pid
        self._own = own
        self._open_session = open_session
        self._me = pwd.getpwuid(os.geteuid()).pw_name
        self._sources = []
        self._sessions = {}
        self._course = None
        self._active = own
        self._made = []
        """Frames that come from here."""
        self._unrecorded = {}
        """What is to be said of tasks that had begun, if root knows no result of them."""
        self._job = None
        self._reading = None
        self._left = {}
        """What would not die, by the session that was killed."""
        self._killed = threading.Event()
        self._lock = threading.RLock()

    def hello(self, host, memory_limit_bytes=None):
        return self._own.hello(host, memory_limit_bytes)

    def send(self, header, body=b""):
        """From any thread. Who is gone is noticed by whoever reads."""
        kind = header["t"]
        if kind == "secret":
            return  # for becoming another user, which is not done by this one
        with self._lock:
            targets = [self._active]
            if kind == "job":
                self._job = header, time.monotonic()
                self._course = course.Course(course.legs(header["tasks"], self._whose))
                return self._next()
            if kind == "source":
                self._sources.append((header, body))
            if kind in ("source", "ack", "bye"):
                targets = [self._own] + list(self._sessions.values())
            if kind == "cancel" and self._course is not None:
                self._course.cancel()
        for target in targets:
            if target is self._own:
                target.send(header, body)
            else:
                _tell(target, header, body)

    def receive(self):
        """The next frame, ``(header, body)``; `RuntimeLost` when there is none."""
        while True:
            with self._lock:
                if self._made:
                    return self._made.pop(0), b""
                active = self._reading = self._active
            try:
                header, body = active.receive() if active is self._own else self._from_helper(active)
            finally:
                self._reading = None
            with self._lock:
                if header["t"] == "refused":
                    self._refuse(plan.Refused(str(header.get("code")), str(header.get("message")), header.get("hint")))
                    continue
                if header["t"] != "event" or self._course is None:
                    return header, body
                if header["kind"] == "result":
                    if (header.get("error") or {}).get("code") == plan.NOT_AGAIN:
                        header = dict(header, **self._unrecorded.get(header["task"], {}))
                    self._course.result(header["task"], header["status"])
                if header["kind"] != "finished":
                    return header, body
                self._course.over(header["status"])
                self._next()

    def close(self):
        """Lets all of them end by themselves; what they still run may end."""
        self.send({"t": "bye"})
        for line in self._sessions.values():
            line.close()
        self._own.close()

    def kill(self):
        """Ends all with everything that they started; the pids that would not die."""
        left = [pid for line in list(self._sessions.values()) for pid in self._kill_session(line)]
        return left + self._own.kill()

    # The inside

    def _whose(self, task):
        """Whom a task runs as; None for this user."""
        user = plan.become_user(task)
        return None if user == self._me else user

    def _next(self):
        header, began = self._job
        part = self._course.next()
        if part is None:
            self._made.append({"t": "event", "kind": "finished", "status": self._course.status})
            self._course, self._active = None, self._own
            return
        user, tasks = part
        deadline_s = header.get("deadline_s")
        if deadline_s:
            deadline_s = max(0.1, deadline_s - (time.monotonic() - began))
        if user is None:
            self._active = self._own
            self._own.send(dict(header, deadline_s=deadline_s, tasks=[dict(task, become=None) for task in tasks]))
            return
        try:
            self._active = self._session(user)
        except Unreachable as error:
            return self._refuse(plan.Refused("helper_missing", error.message, error.hint))
        except AgentletError as error:
            return self._refuse(plan.Refused(getattr(error, "code", "helper"), error.message, error.hint))
        self._unrecorded = {task["id"]: task["unless_recorded"] for task in tasks if task.get("unless_recorded")}
        _tell(self._active, {"t": "job", "tasks": [task["id"] for task in tasks], "deadline_s": deadline_s,
                             "not_again": sorted(self._unrecorded)})

    def _session(self, user):
        line = self._sessions.get(user)
        if line is None:
            line = self._sessions[user] = self._open_session(user)
            for header, body in self._sources:
                _tell(line, {"t": "source", "name": header["name"]}, body)
        return line

    def _refuse(self, refused):
        """The helper does nothing of this part: every task of it fails that would have been tried."""
        if self._course is None:
            raise RuntimeLost(refused.message)
        for task in self._course.waiting():
            self._made.append(dict(plan.refused_result(task, refused, time.time()), t="event"))
            self._course.result(task["id"], "failed")
            if not task.get("continue_on_failure"):
                break
        self._course.over("failed")
        self._next()

    def _from_helper(self, line):
        try:
            frame = line.receive()
        except (OSError, WireError) as error:
            raise RuntimeLost("The root helper broke off: %s" % error)
        if frame is None:
            raise RuntimeLost("The root helper closed the connection")
        if frame[0]["t"] == "killed":
            self._left[line] = list(frame[0].get("left") or [])
            self._killed.set()
            raise RuntimeLost("It was killed")
        if frame[0]["t"] == "fault":
            raise RuntimeLost("The root helper gave up: %s" % frame[0].get("message"))
        return frame

    def _kill_session(self, line):
        if line in self._left:
            return self._left[line]
        self._left[line] = []
        if self._reading is not line:
            self._left[line] = killed(line)
            return self._left[line]
        _tell(line, {"t": "kill"})
        self._killed.wait(_KILLED_S)
        line.shut()
        return self._left[line]


def killed(line):
    """Has a session end all that it runs; the pids that would not die."""
    try:
        line.socket.settimeout(_KILLED_S)
        line.send({"t": "kill"})
        frame = line.receive()
        while frame is not None and frame[0]["t"] != "killed":
            frame = line.receive()
        return list(frame[0].get("left") or []) if frame is not None else []
    except (OSError, WireError):
        return []  # it is gone
    finally:
        line.close()


_OF_REQUESTS = {"blob": ("digest", "offset", "last"), "blob_error": ("digest", "message"),
                "credit": ("stream", "bytes"), "source": ("name",), "job": ("tasks", "deadline_s", "not_again")}


def _tell(line, header, body=b""):
    """A request, with the fields that one of its kind has."""
    fields = _OF_REQUESTS.get(header["t"], ())
    request = dict(((name, header[name]) for name in fields), t=header["t"])
    if "message" in request:
        request["message"] = request["message"][:_MESSAGE_CHARS]
    try:
        line.send(request, body)
    except OSError:
        pass  # who reads will notice
