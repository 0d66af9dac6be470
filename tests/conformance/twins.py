"""Hosts that differ in nothing but the way to them: one by SSH, one by its agentlet, and this machine itself.

The two lab hosts are of one image and carry one name. All three have the same empty folder, `Twins.area`.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from tests.e2e.conftest import Project, wait_for
from tests.lab.engine import docker
from tests.lab.hosts import NETWORK, LabHost

HOST_NAME = "twin"
WAYS = ("ssh", "mailbox", "local")
"""Inventory names are those of the carriers."""


class Twins:
    """Use as a context manager: afterwards the gateway has ended, and the area of this machine is gone."""

    def __init__(self, project: Project, ssh: LabHost, mailbox: LabHost) -> None:
        self.project = project
        self.ssh, self.mailbox = ssh, mailbox
        self.area = Path(tempfile.mkdtemp(prefix="orch-conformance-", dir="/var/tmp"))
        self._gateway: subprocess.Popen[str] | None = None

    def __enter__(self) -> Twins:
        try:
            for host in (self.ssh, self.mailbox):
                host.exec(["sh", "-ec", f"hostname {HOST_NAME}; echo {HOST_NAME} > /etc/hostname;"
                           f"echo 127.0.1.1 {HOST_NAME} >> /etc/hosts; mkdir -m 700 {self.area}"])
            self._write_inventory()
            self._serve()
            self._enrol()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._gateway is not None:
            self._gateway.send_signal(signal.SIGTERM)
            self._gateway.communicate(timeout=30)
        shutil.rmtree(self.area, ignore_errors=True)

    def on_both(self, act: Callable[[LabHost], object]) -> None:
        """Prepare the lab hosts alike."""
        for host in (self.ssh, self.mailbox):
            act(host)

    def _write_inventory(self) -> None:
        reached = " ".join(f"{name}='{value}'" for name, value in self.ssh.variables().items())
        inventory = self.project.folder / "inventory.ini"
        inventory.write_text(f"[twins]\nssh {reached}\nmailbox orch_carrier=mailbox\n"
                             "[here]\nlocal ansible_connection=local\n"
                             f"[web:children]\ntwins\n[all:vars]\narea={self.area}\n")
        self.project.inventory = str(inventory)

    def _serve(self) -> None:
        here = docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", NETWORK)
        self._gateway = process = self.project.start("serve", "--name", here, "--agents-port", "0")
        assert process.stdout is not None
        port = next(found[1] for line in process.stdout if (found := re.search(r":(\d{4,5})\b", line)))
        self.project.env["ORCH_AGENTS_URL"] = f"https://{here}:{port}"

    def _enrol(self) -> None:
        invited = self.project.orch("agents", "invite", "mailbox")
        assert invited.rc == 0, invited.err
        self.mailbox.exec(["sh", "-c", invited.out.strip()], timeout_s=120)
        wait_for(lambda: '"online"' in self.project.orch("agents", "list", "--json").out, "the agentlet calls in", 60)
