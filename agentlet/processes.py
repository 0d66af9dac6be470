"""Looks at processes through /proc: who descends from whom, who still lives, since when.

A process is told from a later one with the same number by its start time, in clock ticks since boot. Where there is
no /proc, nothing is found, and only process groups can be signalled.
"""

import os
import time

PR_SET_CHILD_SUBREAPER = 36
_libc = []


def start_ticks(pid):
    """When the process started, in ticks since boot; None when it is gone or a zombie."""
    fields = _stat(pid)
    return fields[2] if fields and fields[1] not in ("Z", "X") else None


def now_ticks():
    """The present in the same unit."""
    clock = getattr(time, "CLOCK_BOOTTIME", 7)
    try:
        return int(time.clock_gettime(clock) * os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, AttributeError):
        return 0


def boot_id():
    """Identifies this boot of the machine, so that a recorded pid is not mistaken after a reboot; "" when unknown."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as opened:
            return opened.read().strip()
    except OSError:
        return ""


def alive(pid, ticks):
    """True when this very process still runs."""
    return ticks is not None and start_ticks(pid) == ticks


def descendants(root, since=0):
    """``{pid: start ticks}`` of all living descendants of ``root`` that started at ``since`` or later."""
    children, started = {}, {}
    for pid in _pids():
        fields = _stat(pid)
        if fields:
            children.setdefault(fields[0], []).append(pid)
            if fields[1] not in ("Z", "X"):
                started[pid] = fields[2]
    found, queue = {}, [root]
    while queue:
        for pid in children.get(queue.pop(), ()):
            queue.append(pid)
            if pid in started and started[pid] >= since:
                found[pid] = started[pid]
    return found


def load_libc():
    """Imports ctypes ahead of time, so that every forked worker has it already."""
    if not _libc:
        try:
            import ctypes
            _libc.append(ctypes.CDLL(None, use_errno=True))
        except (ImportError, OSError):
            _libc.append(None)
    return _libc[0]


def become_subreaper():
    """Makes orphaned descendants children of this process, where the system can (Linux 3.4); says whether it can."""
    libc = load_libc()
    try:
        return libc is not None and libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    except AttributeError:
        return False


def use_all_cpus():
    """Undoes an affinity inherited from whoever started the runtime; the system's own limits (cpusets) still hold."""
    try:
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    except (AttributeError, OSError):
        pass  # not on this system, or not allowed: nothing depends on it


def _pids():
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _stat(pid):
    """(parent, state, start ticks), or None."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as opened:
            # The command may hold spaces and parentheses: fields are counted behind its last one.
            fields = opened.read().rpartition(b")")[2].split()
        return int(fields[1]), fields[0].decode(), int(fields[19])
    except (OSError, IndexError, ValueError):
        return None
