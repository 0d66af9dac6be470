"""The processes of an attempt, on disk: a runtime outlives the agentlet by its running task, and whoever starts then
has to know what still runs.

Written are runtimes, and the worker of each task, which all that the task starts stays below. A process is known by its
number, its start and the boot: never is another taken for it.
"""

import os
import time

from agentlet import lines, processes, termination

LIMIT_S = 660.0
"""How long a runtime is waited for: it ends its task itself, ten minutes after it lost its carrier at most."""
_LEAVE_S = 2.0
"""A runtime whose task was ended is gone by then; and so is what was killed."""
_LOOK_S = 0.02
_LONG_LOOK_S = 0.1


class Survivors(object):
    """``folder``: the attempt's. Processes of the runtime that is at work now are ours, not survivors."""

    def __init__(self, folder):
        self._path = os.path.join(folder.path, "processes")
        self._former = lines.read(self._path)
        self._ours = []

    def note_runtime(self, pid):
        """Before it is given anything to do; `OSError` when the disk does not take it."""
        self._note(_entry(pid))

    def note_worker(self, pid, since):
        """Of a task that began at ``since`` (ticks); `OSError` as well."""
        entry = _entry(pid, since)
        if entry["ticks"] is not None and entry["ticks"] <= since:  # else it has ended, and this is another
            self._note(entry)

    def disown(self):
        """Our runtime is lost: what it leaves behind are survivors."""
        self._former, self._ours = self._former + self._ours, []

    def let_end(self, wait, is_adopted):
        """What a runtime still runs may end: the receipts have it then, and nothing runs twice at a time.

        A worker whose runtime is gone is ended, unless it ``is_adopted``: the next runtime finds it in the receipts,
        and watches over its time. ``wait(seconds)``: False when nobody wants to wait any more.
        """
        end = time.monotonic() + LIMIT_S
        while self._has_runtime() and time.monotonic() < end and wait(_LONG_LOOK_S):
            pass
        if self._has_runtime() or not is_adopted:
            self.end()

    def end_all(self, wait, tell):
        """Repeats `end` until nothing is left; False when ``wait(seconds)`` is. ``tell(pids)``: what does not die."""
        told = []
        while True:
            left = self.end()
            if left and left != told:
                tell(left)
                told = left
            if not left or not wait(_LEAVE_S):
                return not left

    def end(self):
        """TERM, then KILL to what the running tasks have started, then to all that is left of their runtimes.

        [] once nothing of it is there: the proof. Else the numbers of what does not die.
        """
        for entry in reversed(self._living()):  # the last task's worker first
            if entry["since"] is None:
                self._wait_for([entry])  # it has a result to write
            if _lives(entry):
                left = termination.terminate(entry["pid"], entry["since"] or 0)
                self._former += [_entry(pid, 0) for pid in left]
        self._wait_for(self._living())
        return sorted(set(entry["pid"] for entry in self._living()))

    def _note(self, entry):
        if entry not in self._ours:
            # Not synced: a power cut ends what is written here as well.
            lines.append(self._path, entry, is_durable=False)
            self._ours.append(entry)

    def _has_runtime(self):
        return any(entry["since"] is None for entry in self._living())

    def _living(self):
        return [entry for entry in self._former if _lives(entry)]

    @staticmethod
    def _wait_for(entries):
        end = time.monotonic() + _LEAVE_S
        while any(map(_lives, entries)) and time.monotonic() < end:
            time.sleep(_LOOK_S)


def _lives(entry):
    return processes.alive(entry["pid"], entry["ticks"]) and entry["boot"] == processes.boot_id()


def _entry(pid, since=None):
    return {"pid": pid, "ticks": processes.start_ticks(pid), "boot": processes.boot_id(), "since": since}
