"""Who drives a run: one process at a time. On this machine the process table tells; elsewhere the heartbeat does."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta

from msgspec import Struct

from orchestrator.store.records import RUNNING, RunRecord

HEARTBEAT_S = 5.0
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


def is_alive(run: RunRecord, at: datetime) -> bool:
    """Whether some process still drives the run at this moment."""
    if run.status != RUNNING or run.lease_token is None or run.lease_pid is None:
        return False
    if run.lease_host == _machine() and run.lease_born:
        return _born(run.lease_pid) == run.lease_born
    return run.heartbeat is not None and at - run.heartbeat < timedelta(seconds=EXPIRES_S)


def holder(run: RunRecord) -> str:
    """The process that holds the lease, for a person."""
    return f"process {run.lease_pid} on {(run.lease_host or '?').split('/')[0]}"
