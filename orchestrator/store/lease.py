"""Who drives a run: one process at a time. On this machine the process table tells; elsewhere the heartbeat does."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from datetime import datetime, timedelta

from msgspec import Struct

from orchestrator.store.records import RUNNING, RunRecord

HEARTBEAT_S = 5.0
DEATH_S = 5.0
"""How long a killed process may take to be gone."""
EXPIRES_S = 30.0
"""Of silence, after which a process on another machine counts as dead."""


class Lease(Struct, frozen=True):
    """A process' claim on runs. ``born`` tells it from a later process with the same number."""

    token: str
    host: str
    pid: int
    born: str


def own_lease() -> Lease:
    """A new claim of this process; each has a token of its own, so that a lost one is noticed."""
    return Lease(os.urandom(8).hex(), _machine(), os.getpid(), _born(os.getpid()))


def _machine() -> str:
    """The host and its boot: two containers may share a name, and numbers of processes begin anew with each boot."""
    return f"{socket.gethostname()}/{_read('/proc/sys/kernel/random/boot_id')}/{_namespace()}"


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _read(path: str) -> str:
    try:
        with open(path) as stream:
            return stream.read().strip()
    except OSError:
        return ""


def _born(pid: int) -> str:
    """When the process started, in the kernel's ticks; empty when there is none, or no such table (macOS)."""
    stat = _read(f"/proc/{pid}/stat")
    fields = stat.rpartition(")")[2].split()
    if not fields or fields[0] in "ZX":  # a zombie does nothing any more
        return ""
    return fields[19]


def awake_s() -> float:
    """A clock in seconds that only goes on, and that a stopped process or a sleeping machine does not stop."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def is_alive(run: RunRecord, at: datetime) -> bool:
    """Whether some process still drives the run at this moment."""
    if run.status != RUNNING or run.lease_token is None or run.lease_pid is None:
        return False
    return process_lives(run.lease_host or "", run.lease_pid, run.lease_born or "", run.heartbeat, at)


def is_silent(run: RunRecord, at: datetime, silence_s: float | None) -> bool:
    """Whether the run's holder has not shown itself for so long; None: that does not count."""
    return silence_s is not None and (run.heartbeat is None or at - run.heartbeat >= timedelta(seconds=silence_s))


def process_lives(machine: str, pid: int, born: str, heartbeat: datetime | None, at: datetime,
                  silence_s: float = EXPIRES_S) -> bool:
    """Whether the process that wrote down an `own_lease` runs at this moment, as far as can be known from here."""
    if machine == _machine() and born:
        return _born(pid) == born
    return heartbeat is not None and at - heartbeat < timedelta(seconds=silence_s)


def put_down(run: RunRecord) -> None:
    """Kill the process that holds the lease, when it is on this machine: it is stopped, and would wake up some day.

    A process on another machine finds out by itself, and hosts begin nothing for it; see docs/runs.md.
    """
    pid, born = run.lease_pid, run.lease_born
    if run.lease_host != _machine() or not pid or not born or pid == os.getpid() or _born(pid) != born:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + DEATH_S
        while _born(pid) == born and time.monotonic() < deadline:
            time.sleep(0.01)


def holder(run: RunRecord) -> str:
    """The process that holds the lease, for a person."""
    return f"process {run.lease_pid} on {(run.lease_host or '?').split('/')[0]}"
