"""The parts of a job that different hands do, one after the other: what is next, and what it all comes to. Pure."""

from agentlet.pull.plan import ENDS_JOB


def legs(tasks, whose):
    """``[(whom, [task])]``: consecutive tasks of the same hands together, in order."""
    parts = []
    for task in tasks:
        whom = whose(task)
        if parts and parts[-1][0] == whom:
            parts[-1][1].append(task)
        else:
            parts.append((whom, [task]))
    return parts


class Course(object):
    """``parts``: ``(whom, tasks)``. A failure ends it, unless its task says otherwise."""

    def __init__(self, parts):
        self._parts = list(parts)
        self._left = {}
        self._stop = False
        self.status = "ok"

    def next(self):
        """The next part, or None when it is over: `status` says how."""
        if self._stop or not self._parts:
            return None
        whom, tasks = self._parts.pop(0)
        self._left = {task["id"]: task for task in tasks}
        return whom, tasks

    def result(self, name, status):
        """The task of that id has come to this."""
        task = self._left.pop(name, {})
        if status in ENDS_JOB:
            self.status = "failed" if self.status == "ok" else self.status
            self._stop = self._stop or not task.get("continue_on_failure")

    def over(self, status):
        """The part is done: ``status`` as the runtime's `finished` says it."""
        if status != "ok":
            self.status = status
        # Tasks without a result, and nobody to say why: a deadline, or a cancel.
        self._stop = self._stop or status in ("cancelled", "lost") or status != "ok" and bool(self._left)

    def cancel(self):
        """No further part."""
        self.status, self._stop = "cancelled", True

    def waiting(self):
        """The tasks of the present part that have no result."""
        return list(self._left.values())
