"""What a heartbeat says of this agentlet and its host: names to numbers. What cannot be read is left out."""

import os

from agentlet.pull.memory import rss_bytes

_MEMORY = {"MemTotal": "memory_bytes", "MemAvailable": "memory_free_bytes", "SwapTotal": "swap_bytes",
           "SwapFree": "swap_free_bytes"}


def stats(agent):
    """Of the agentlet at work, and of its host."""
    return dict(read(agent.state.directory), running=len(agent.running()),
                clock_offset_s=round(agent.clock.offset_s, 1), **agent.stats(rss_bytes()))


def read(directory):
    """Load, memory, up time; the disk that ``directory`` is on."""
    found = {}
    for part in (_load, _memory, _uptime):
        try:
            found.update(part())
        except (OSError, ValueError, IndexError):
            pass  # this system has no such thing
    try:
        disk = os.statvfs(directory)
        found.update(disk_bytes=disk.f_frsize * disk.f_blocks, disk_free_bytes=disk.f_frsize * disk.f_bavail)
    except OSError:
        pass
    return found


def _load():
    loads = os.getloadavg()
    return {"load_1": round(loads[0], 2), "load_5": round(loads[1], 2), "load_15": round(loads[2], 2),
            "cpus": os.cpu_count() or 1}


def _memory():
    found = {}
    with open("/proc/meminfo") as opened:
        for line in opened:
            name, _, value = line.partition(":")
            if name in _MEMORY:
                found[_MEMORY[name]] = int(value.split()[0]) * 1024
    return found


def _uptime():
    with open("/proc/uptime") as opened:
        return {"uptime_s": int(float(opened.read().split()[0]))}
