"""The end of a process that serves."""

from __future__ import annotations

import logging
import os
import sys
import threading


def end() -> None:
    """Called last. Where threads are left that may wait for ever, as DBOS's for a database that is away, the process
    ends all the same; a service manager would have to kill it. Otherwise it returns."""
    left = [thread.name for thread in threading.enumerate()
            if not thread.daemon and thread is not threading.current_thread()]
    if not left:
        return
    logging.getLogger("orch.runs").warning("ended while these still waited: %s", ", ".join(left))
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)
