"""A host behind NAT in the same run as hosts of SSH: enrolled by the pasted line, and away now and then."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Project, interrupt, wait_for
from tests.lab import nat
from tests.lab.nat import BehindNat

PLAYBOOK = str(Path(__file__).parents[2] / "playbooks" / "webserver.yml")


@pytest.fixture
def server(project: Project) -> Iterator[subprocess.Popen[str]]:
    """`orch serve` of the project, on any port."""
    process = project.start("serve", "--name", nat.SERVER, "--agents-port", "0")
    assert process.stdout is not None
    port = next(found[1] for line in process.stdout if (found := re.search(r":(\d{4,5})\b", line)))
    project.env["ORCH_AGENTS_URL"] = f"https://{nat.SERVER}:{port}"
    yield process
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)


@pytest.fixture
def natted(lab_hosts: Any) -> Iterator[BehindNat]:
    reason = nat.missing()
    if reason:
        pytest.skip(reason)
    with BehindNat(lab_hosts(1, fresh=True)[0]) as found:
        yield found


def enrol(project: Project, natted: BehindNat) -> None:
    """As its owner does it: the line that `orch agents invite` prints, pasted into a shell of the host."""
    invited = project.orch("agents", "invite", natted.host.name)
    assert invited.rc == 0, invited.err
    said = natted.host.exec(["sh", "-c", invited.out.strip()], timeout_s=120)
    assert natted.host.exec("systemctl is-active orch-agentlet").strip() == "active", said
    wait_for(lambda: states(project) == {natted.host.name: "online"}, "the agentlet calls in", 60)


def states(project: Project) -> dict[str, str]:
    listed = project.orch("agents", "list", "--json")
    assert listed.rc == 0, listed.err
    return {one["host"]: one["liveness"] for one in map(json.loads, listed.out.splitlines())}


def inventory(project: Project, hosts: list[Any], away: str) -> None:
    lines = ["[web]", *(host.inventory_line() for host in hosts), f"{away} ansible_timeout=5"]
    (project.folder / "inventory.ini").write_text("\n".join(lines) + "\n")
    project.inventory = str(project.folder / "inventory.ini")


def test_one_recap_for_hosts_of_ssh_and_a_host_behind_nat(
    project: Project, server: Any, natted: BehindNat, lab_hosts: Any
) -> None:
    others = lab_hosts(2, fresh=True)
    inventory(project, others, natted.host.name)
    enrol(project, natted)
    first = project.run(playbook=PLAYBOOK, timeout=500)
    assert first.rc == 0, first.out + first.err
    page = natted.host.exec("curl -s http://127.0.0.1/")
    assert natted.host.name in page
    second = project.run(playbook=PLAYBOOK, timeout=300)
    assert second.rc == 0, second.out + second.err
    for name in (natted.host.name, *(host.name for host in others)):
        assert second.recap(name)["changed"] == 0, second.out
    ways = {(row["host"], row["carrier"]) for row in project.results() if row["carrier"] != "controller"}
    assert ways == {(natted.host.name, "mailbox"), *((host.name, "ssh") for host in others)}
    reasons = {row["carrier_reason"] for row in project.results() if row["carrier"] == "mailbox"}
    assert all("SSH" in reason and "agentlet" in reason for reason in reasons), reasons


def test_a_host_that_is_away_keeps_its_job_and_the_run_is_gone_on_with(
    project: Project, server: Any, natted: BehindNat, lab_hosts: Any
) -> None:
    here = lab_hosts(1)
    inventory(project, here, natted.host.name)
    project.write(site="""
        - hosts: web
          gather_facts: false
          tasks:
            - {name: once, shell: echo ran >> /root/once}
            - {name: twice, command: cat /root/once, register: out, changed_when: false}
            - {name: told, assert: {that: "out.stdout == 'ran'"}}
    """)
    here[0].exec("rm -f /root/once")
    enrol(project, natted)
    natted.cut()
    away = project.run("--detach")
    assert away.rc == 3, away.out + away.err
    assert natted.host.name in away.err and "orch runs watch" in away.err
    assert away.recap(here[0].name)["ok"] == 3
    natted.restore()
    watched = project.orch("runs", "watch", timeout=300)
    assert watched.rc == 0, watched.out + watched.err
    assert natted.host.exec("cat /root/once") == "ran\n"
    assert here[0].exec("cat /root/once") == "ran\n"


def test_ctrl_c_leaves_what_waits_in_the_mailbox(project: Project, server: Any, natted: BehindNat) -> None:
    inventory(project, [], natted.host.name)
    project.write(site="""
        - hosts: web
          gather_facts: false
          tasks: [{name: who, command: hostname}]
    """)
    enrol(project, natted)
    natted.cut()
    process = project.start("run", "site.yml", "-i", project.inventory)
    wait_for(lambda: project.orch("agents", "list", "--json").out.count('"pending": 1'), "the job waits", 60)
    interrupt(process)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    natted.restore()
    resumed = project.orch("run", "--resume", project.last_run(), timeout=300)
    assert resumed.rc == 0, resumed.out + resumed.err
