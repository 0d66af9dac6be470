"""A job on its host: its tasks in legs of one identity each, one after the other; its events numbered and summed."""

import time

from agentlet import receipts
from agentlet.wire import EventDigest, WireError, header_bytes


class Job(object):
    """Talks to the carrier through ``runtime.send(header, body)`` and tells ``runtime.job_over(self)`` at the end."""

    def __init__(self, runtime, header):
        self.id = header["id"]
        self.attempt = int(header.get("attempt", 1))
        self.header = {name: header.get(name) for name in ("check", "diff")}
        self.header.update(id=self.id, attempt=self.attempt)
        if runtime.fence is not None:
            self.header["fence"] = [runtime.fence.path, runtime.fence.resumes]
        self.book_path = receipts.book_path(runtime.receipts, self.id, self.attempt) if runtime.receipts else None
        """Where its receipts go, or None when this host has no place for them."""
        self.results = []
        """The results of tasks that ran as this user, for receipts when the carrier is lost before they were stored."""
        self.size = 0
        """Of `results`, in bytes."""
        self._runtime = runtime
        self._tasks = [_checked(task) for task in header["tasks"]]
        self._digest = EventDigest()
        self._has_sent_file = False
        """Since the last result."""
        self._status = "ok"
        self._cancelled = self._lost = self._stop = False
        self._legs = split(self._tasks, runtime.identity_of)
        self._leg = None
        self._timer = None
        self._deadline = None
        if header.get("deadline_s"):
            self._deadline = time.monotonic() + float(header["deadline_s"])
            self._timer = runtime.reactor.call_later(float(header["deadline_s"]), self._expire)

    def start(self):
        self._next()

    def left_s(self):
        """Seconds until the job's deadline, or None."""
        return None if self._deadline is None else max(0.1, self._deadline - time.monotonic())

    def emit(self, header, keep=False):
        """Sends an event with its number. ``keep``: until it is acknowledged, in case the carrier is lost before.

        Not so a result that came with a file, since nobody can send that again but the task; nor one that says no
        more than that the carrier was lost in the middle of a file.
        """
        if header.get("kind") == "result":
            is_lost = (header.get("error") or {}).get("code") == "carrier_lost"
            keep, self._has_sent_file = keep and not self._has_sent_file and not is_lost, False
        if keep:
            self.results.append({name: value for name, value in header.items() if name not in ("t", "job", "kind")})
        numbered = {"t": "event", "job": self.id, "attempt": self.attempt, "seq": self._digest.count + 1}
        numbered.update((name, value) for name, value in header.items() if name not in numbered)
        head = header_bytes(numbered)
        self._digest.add(head)
        self._runtime.send_head(head)
        if keep:
            self.size += len(head)

    def relay(self, header, body=b""):
        """Sends `need` and `upload` frames of a leg."""
        self._has_sent_file = self._has_sent_file or header["t"] == "upload"
        self._runtime.send(dict(header, job=self.id), body)

    def receive(self, header, body):
        """A frame of the controller for whoever executes now."""
        if self._leg is not None:
            self._leg.send(header, body)

    def cancel(self):
        self._cancelled = True
        if self._leg is not None:
            self._leg.cancel()

    def lose(self):
        self._lost = True
        if self._leg is None:
            return self._finish()  # its frame made no sense, and nothing was started
        return self._leg.lose()

    def leg_over(self, status, stop):
        """``status``: ok, failed, cancelled or lost; ``stop``: the tasks after this leg do not run."""
        self._leg = None
        if status != "ok":
            self._status = status
        self._stop = self._stop or stop
        self._next()

    def _next(self):
        if self._stop or self._cancelled or self._lost or not self._legs:
            return self._finish()
        identity, tasks = self._legs.pop(0)
        self._leg = self._runtime.leg(self, identity, tasks)
        self._leg.start()

    def _expire(self):
        self._timer = None
        self._stop = True
        if self._leg is not None:
            self._leg.expire()

    def _finish(self):
        self._runtime.reactor.cancel_timer(self._timer)
        status = "cancelled" if self._cancelled else self._status
        self._runtime.send({"t": "event", "job": self.id, "attempt": self.attempt, "seq": self._digest.count + 1,
                            "kind": "finished", "status": status, "count": self._digest.count,
                            "digest": self._digest.hexdigest()})
        self._runtime.job_over(self)


def _checked(task):
    """The task, if it can be one: nonsense is found before anything of its job has begun."""
    for name in ("id", "module"):
        if not isinstance(task[name], str):
            raise WireError("A task's %s is no text" % name)
    return task


def split(tasks, identity_of):
    """``[(identity, tasks)]``: consecutive tasks of one identity together, in order."""
    legs = []
    for task in tasks:
        identity = identity_of(task)
        if legs and legs[-1][0] == identity:
            legs[-1][1].append(task)
        else:
            legs.append((identity, [task]))
    return legs
