"""The agentlet by push, where SSH works today: installed, enrolled, at work; and a second run changes nothing."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest

from orchestrator.agents.bundle import build_pyz
from tests.api.gateway import Served
from tests.lab.fixtures import LabHosts
from tests.playbooks.test_shipped_playbooks import counts, orch


def address_towards(host: str) -> str:
    """This machine's own address, as the host sees it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect((host, 9))
        return str(asking.getsockname()[0])


@pytest.mark.parametrize("user", ["", "orch-agentlet"], ids=["as root", "not as root"])
def test_the_agentlet_is_installed_by_push_and_stays(tmp_path: Path, lab_hosts: LabHosts, user: str) -> None:
    host = lab_hosts(1, fresh=True)[0]
    here = address_towards(host.address)
    served = Served(tmp_path / "server", listen_on="0.0.0.0", names=(here,)).start()
    try:
        (tmp_path / "agentlet.pyz").write_bytes(build_pyz())
        token = served.desk.invite(host.name).token
        (tmp_path / "secret.json").write_text(json.dumps({
            "agentlet_file": str(tmp_path / "agentlet.pyz"), "agentlet_gateway": f"https://{here}:{served.port}",
            "agentlet_pin": served.authority.pin(), "agentlet_tokens": {host.name: token},
            "agentlet_user": user}))
        (tmp_path / "inventory.ini").write_text(host.inventory_line("root") + "\n")
        command = ("run", "playbooks/agentlet.yml", "-i", tmp_path / "inventory.ini", "-e", f"@{tmp_path}/secret.json")
        first = orch(tmp_path, *command)
        assert first.returncode == 0, first.stdout + first.stderr
        assert token not in first.stdout + first.stderr
        second = orch(tmp_path, *command)
        assert second.returncode == 0 and counts(second.stdout, "changed") == [0], second.stdout + second.stderr
        assert host.exec("systemctl is-active orch-agentlet").strip() == "active"
        end = time.monotonic() + 30
        while [listed.liveness for listed in served.desk.registry.listed()] != ["online"]:
            assert time.monotonic() < end, host.exec("journalctl -u orch-agentlet --no-pager")
            time.sleep(0.2)
        assert host.exec("ps -o user:20= -p $(systemctl show -P MainPID orch-agentlet)").strip() == (user or "root")
    finally:
        served.stop()
