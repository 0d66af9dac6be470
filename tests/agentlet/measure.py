"""What the runtime costs the host: ``python -m tests.agentlet.measure [PYTHON …]`` prints CPU beside the budgets.

CPU is user and system time of the runtime and of every process it has waited for, in milliseconds; the rest is wall.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

from tests.contract.driver import Runtime, task

TINY = "ARGS = {}\n\n\ndef run(args, host):\n    return {'changed': False}\n"
ROUNDS, TASKS = 5, 200


def cpu_ms(pid: int) -> float:
    """User and system time of a process and of the children it has reaped."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = sum(int(fields[index]) for index in (11, 12, 13, 14))
    # The scheduler's own account is finer than ticks, for the process itself.
    own_ns = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    reaped = sum(int(fields[index]) for index in (13, 14))
    return own_ns / 1e6 + reaped * 1000 / os.sysconf("SC_CLK_TCK") if ticks else own_ns / 1e6


def measure(python: str) -> tuple[float, float, float, float, float]:
    """Boot CPU, boot wall, CPU of a task in a job of its own, wall of the same, CPU of a task in a longer job."""
    boots, walls, singles, waits, segments = [], [], [], [], []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        with Runtime(python) as runtime:
            walls.append((time.perf_counter() - begun) * 1000)
            boots.append(cpu_ms(runtime.process.pid))
            runtime.add_module("tiny", TINY)
            runtime.run(task("tiny"))
            time.sleep(0.2)
            before, begun = cpu_ms(runtime.process.pid), time.perf_counter()
            for _ in range(TASKS):
                runtime.run(task("tiny"))
            waits.append((time.perf_counter() - begun) * 1000 / TASKS)
            time.sleep(0.1)
            after = cpu_ms(runtime.process.pid)
            singles.append((after - before) / TASKS)
            runtime.run(*[task("tiny")] * TASKS)
            time.sleep(0.1)
            segments.append((cpu_ms(runtime.process.pid) - after) / TASKS)
    return tuple(statistics.median(series) for series in (boots, walls, singles, waits, segments))  # type: ignore[return-value]


def main() -> None:
    print(
        f"{'interpreter':44} {'boot':>9} {'(wall)':>9} {'task':>9} {'(wall)':>9} {'in a segment':>13}   ms CPU, medians"
    )
    print(f"{'budget':44} {80:9} {'':9} {3:9}")
    for python in sys.argv[1:] or [sys.executable]:
        boot, wall, single, wait, segment = measure(python)
        print(f"{python[-44:]:44} {boot:9.1f} {wall:9.1f} {single:9.2f} {wait:9.2f} {segment:13.2f}")


if __name__ == "__main__":
    main()
