"""How much memory this process has."""

import os


def rss_bytes():
    """Resident bytes; 0 where they cannot be read."""
    try:
        with open("/proc/self/statm") as opened:
            return int(opened.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0
