"""apt's lists of what there is to install: how old they are, and bringing them up to date."""

import os
import time

from modules.api import Failed
from modules.support.apt.packages import ENV, last_line

LISTS = "/var/lib/apt/lists"
STAMP = "/var/lib/apt/periodic/update-success-stamp"


def update_time():
    """When the lists were brought up to date, in seconds since the epoch; 0 for never."""
    times = [os.stat(path).st_mtime for path in (STAMP, LISTS) if os.path.exists(path)]
    return int(max(times)) if times and any(os.scandir(LISTS)) else 0


def due(args):
    """Whether the task asks for new lists: always, or when those here are older than ``cache_valid_time`` seconds."""
    if not args["update_cache"] and not args["cache_valid_time"]:
        return False
    return time.time() > update_time() + args["cache_valid_time"]


def content():
    """The lists by name, with size and date. The date is the source's, so they differ only when something new came."""
    entries = [(entry.name, entry.stat()) for entry in os.scandir(LISTS) if entry.is_file() and entry.name != "lock"]
    return {name: (status.st_size, status.st_mtime) for name, status in entries}


def update(args, host):
    """``apt-get update``, with retries. True when that brought other lists than there were.

    `Failed` with code ``cache`` when any source stays out of reach.
    """
    before = content()
    retries = args["update_cache_retries"]
    for attempt in range(max(1, retries)):
        # Without the option apt takes a source that cannot be fetched for a warning, and goes on with old lists.
        done = host.run(["apt-get", "update", "-q", "-o", "APT::Update::Error-Mode=any",
                         "-o", "DPkg::Lock::Timeout={}".format(args["lock_timeout"])], env=ENV)
        if done.rc == 0:
            # Lists that had not changed are left untouched by apt; without this they would be stale for ever.
            os.utime(LISTS, None)
            return content() != before
        if attempt < retries - 1:
            import random  # costs 1 ms, for the one that fails
            time.sleep(min(2 ** attempt, args["update_cache_retry_max_delay"]) + random.random())
    raise Failed("cache", "Failed to update apt cache after {} retries: {}".format(
        retries, last_line(done.stderr) or done.stdout[-500:]), stdout=done.stdout, stderr=done.stderr, rc=done.rc)
