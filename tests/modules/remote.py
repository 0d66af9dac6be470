"""Runs modules on a lab host without a carrier: the sources are copied in once, each run is one Python process.

For modules that must not be tried on the machine that runs the tests (apt, user, service …).
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from tests.lab.hosts import LabHost
from tests.modules.trial import Result, Trial

ROOT = Path(__file__).resolve().parents[2]
PLACE = "/opt/orch-under-test"
DRIVER = """
import json, sys
sys.path.insert(0, {place!r})
from agentlet.execute import execute
from agentlet.host import local_host
ask = json.load(sys.stdin)
host = local_host(check_mode=ask["check"], diff=True)
print(json.dumps(execute(ask["module"], ask["args"], host)))
"""


class Remote(Trial):
    """One lab host on which modules run as root."""

    def __init__(self, lab_host: LabHost) -> None:
        self.lab_host = lab_host
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for folder in ("agentlet", "modules"):
                for path in sorted((ROOT / folder).rglob("*.py")):
                    archive.add(path, str(path.relative_to(ROOT)))
        lab_host.exec(f"mkdir -p {PLACE} && tar -x -C {PLACE}", input=packed.getvalue())

    def run(self, module: str, args: dict[str, Any], *, check: bool = False) -> Result:
        """One run; the result as `agentlet.execute` gives it."""
        ask = json.dumps({"module": module, "args": args, "check": check}).encode()
        answer = self.lab_host.exec(["python3", "-c", DRIVER.format(place=PLACE)], input=ask, timeout_s=300)
        result: Result = json.loads(answer)
        return result

    def seen(self, look: str) -> str:
        """What the shell command ``look`` shows."""
        return self.shell(look)

    def shell(self, command: str) -> str:
        """Standard output of a shell command on the host, whatever it exits with."""
        return self.lab_host.exec(command, check=False).strip()
