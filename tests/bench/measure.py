"""What a command costs on the controller's side: wall time, CPU and memory of the whole tree of its processes.

The command runs below a small process of ours that adopts orphans (Linux's child subreaper), so that connections left
running in the background are stopped and counted too. The hosts' side is below sshd and not part of the tree.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
FIRST_INTERVAL_S = 0.05
SESSIONS_END_S = 10
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    wall_s: float
    cpu_s: float
    peak_bytes: int
    """Largest sum of proportional set sizes (shared pages count once) that was seen."""
    main_bytes: int
    """Largest resident set of the command's own process, by the kernel's count: nothing is missed between looks."""
    exit_code: int | None
    """None when the time limit ended it."""


def measure(command: list[str], *, cwd: Path, env: dict[str, str], log: Path, timeout_s: float) -> Cost:
    """Run ``command`` with its output in ``log``; after ``timeout_s`` its whole tree is stopped."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        try:
            os.setsid()
            report = _supervise(command, cwd, env, log, timeout_s)
            os.write(write_end, report.encode())
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        fields = pipe.read().split()
    os.waitpid(child, 0)
    if not fields:
        raise RuntimeError(f"the measurement of {command[0]} broke off")
    wall_s, cpu_s, peak_bytes, main_bytes, code = fields
    return Cost(float(wall_s), float(cpu_s), int(peak_bytes), int(main_bytes), None if code == "timeout" else int(code))


def _supervise(command: list[str], cwd: Path, env: dict[str, str], log: Path, timeout_s: float) -> str:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    started = time.monotonic()
    with log.open("wb") as output:
        main = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    code, wall_s, cpu_s, peak, main_bytes = "timeout", timeout_s, 0.0, 0, 0
    interval = FIRST_INTERVAL_S
    next_sample = started
    while time.monotonic() - started < timeout_s:
        pid, status, usage = os.wait4(-1, os.WNOHANG)
        if pid:
            cpu_s += usage.ru_utime + usage.ru_stime
            if pid == main.pid:
                main_bytes = usage.ru_maxrss * 1024
                code, wall_s = str(os.waitstatus_to_exitcode(status)), time.monotonic() - started
                break
            continue
        if time.monotonic() >= next_sample:
            begun = time.monotonic()
            peak = max(peak, sum(_pss(pid) for pid in _descendants(os.getpid())))
            interval = max(interval, 20 * (time.monotonic() - begun))  # looking costs CPU that is not the engine's
            next_sample = time.monotonic() + interval
        time.sleep(0.002)
    return f"{wall_s} {cpu_s + _end_the_rest()} {peak} {main_bytes} {code}"


def _end_the_rest() -> float:
    """Stop what is still running below us; the CPU seconds it had used."""
    cpu_s = 0.0
    for sign, patience_s in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 10.0)):
        for pid in _descendants(os.getpid()):
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            try:
                pid, _, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return cpu_s
            if pid:
                cpu_s += usage.ru_utime + usage.ru_stime
            else:
                time.sleep(0.01)
    return cpu_s


def _descendants(root: int) -> list[int]:
    """All processes below ``root``, without itself."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = _stat(int(entry))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry))
    found, queue = [], [root]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (proc(5)); empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _pss(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # ended in between
    return 0


def reaped_cpu_s(pid: int) -> float:
    """CPU seconds of a process's ended children and theirs: what the sessions of an sshd have used.

    Sessions that have just lost their client are given a moment to end; one that stays is not counted.
    """
    deadline = time.monotonic() + SESSIONS_END_S
    while _children(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    fields = _stat(pid)
    return (int(fields[13]) + int(fields[14])) / TICKS_PER_S if fields else 0.0


def _children(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


def run_cpu_s(command: list[str], *, env: dict[str, str], cwd: Path) -> float:
    """CPU seconds of one run of a short command and its children; the least disturbed of five."""
    return min(measure(command, cwd=cwd, env=env, log=Path(os.devnull), timeout_s=60).cpu_s for _ in range(5))


if __name__ == "__main__":
    print(measure(sys.argv[1:], cwd=Path.cwd(), env=dict(os.environ), log=Path("/dev/stderr"), timeout_s=600))
