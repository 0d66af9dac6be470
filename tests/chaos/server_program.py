"""`orch serve` with a test's patience: what takes minutes in the field takes seconds. Its arguments are orch's.

BROKEN_RELEASE=N in its environment: it offers an agentlet that does not work, in one of several ways.
"""

import hashlib
import io
import os
import zipfile

from orchestrator.agents import releases
from orchestrator.agents.records import Timing

FAULTS = (b"import sys; sys.exit(3)", b"import time; time.sleep(3600)", b"this is no program", b"import nothing_there")
TIMING = Timing(lease_s=15, watchdog_s=16, heartbeat_s=3, grace_s=8, interval_s=5)
"""Long enough for a server that starts again on a busy machine: a job that is lost meanwhile proves little."""


def broken(number: int) -> releases.Release:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("__main__.py", FAULTS[number % len(FAULTS)])
    data = packed.getvalue()
    return releases.Release("9.9.9", hashlib.sha256(data).hexdigest(), data, 4_000_000_000)


if "BROKEN_RELEASE" in os.environ:
    made = broken(int(os.environ["BROKEN_RELEASE"]) // 8)
    releases.this_release, releases.this_version = lambda: made, lambda: made.version  # type: ignore

import api.agents.service  # noqa: E402  behind what they take by name
import api.serving  # noqa: E402
from orchestrator.agents import opening, states  # noqa: E402
from orchestrator.cli.main import main  # noqa: E402

states.FIRST_PAUSE_S = 1
api.agents.service.SWEEP_EVERY_S = 0.5
api.serving.open_desk = (  # type: ignore
    lambda state, url=None, **more: opening.open_desk(state, url, timing=TIMING, **more))

if __name__ == "__main__":
    main()
