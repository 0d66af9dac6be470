"""Ends a job's processes: TERM to every group, five seconds, KILL, then confirmed. One step at a time, never blocking.

The worker is stopped first, so that it starts nothing new, and since it is a subreaper, whatever its descendants leave
behind stays below it, daemons too. What earlier, completed tasks of the job left running is older than ``since`` and is
let alone. The worker itself goes last.
"""

import os
import signal
import time

from agentlet import processes

GRACE_S = 5.0
CONFIRM_S = 10.0


class Termination(object):
    """Call `step` about every 50 ms until it says True; then nothing is left, or ``left`` names what would not die."""

    def __init__(self, root, since=0, is_own_child=True):
        self.root = root
        self.left = []
        self._since = since
        self._own = is_own_child
        self._termed = {}
        self._start = time.monotonic()
        _signal(root, signal.SIGSTOP)

    def step(self):
        """True when it is over."""
        found = processes.descendants(self.root, self._since)
        elapsed = time.monotonic() - self._start
        if not found and (elapsed > 0.02 or not self._own):
            return self._finish()
        if elapsed > GRACE_S + CONFIRM_S:
            self.left = sorted(found)
            return self._finish()
        number = signal.SIGTERM if elapsed < GRACE_S else signal.SIGKILL
        for pid, ticks in found.items():
            if number == signal.SIGKILL or self._termed.get(pid) != ticks:
                self._termed[pid] = ticks
                _signal_group_of(pid, found, number)
        return False

    def _finish(self):
        _signal(self.root, signal.SIGKILL)
        return True


def terminate(root, since=0):
    """The same in one go, for a process of an earlier runtime. Returns what would not die."""
    ending = Termination(root, since)
    while not ending.step():
        time.sleep(0.05)
    return ending.left


def _signal_group_of(pid, found, number):
    """Signals the process, or its whole group when that is led by one of ours; stopped ones are woken to hear it."""
    try:
        group = os.getpgid(pid)
        if group in found:
            os.killpg(group, number)
            os.killpg(group, signal.SIGCONT)
            return
    except OSError:
        pass
    _signal(pid, number)
    _signal(pid, signal.SIGCONT)


def _signal(pid, number):
    try:
        os.kill(pid, number)
    except OSError:
        pass  # gone already, or not ours (a set-uid program): `left` tells
