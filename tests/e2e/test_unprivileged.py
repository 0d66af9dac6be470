"""An agentlet that is not root on a real host: systemd's units and sockets, real accounts, a real gateway."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Project, wait_for
from tests.lab.hosts import LabHost

ACCOUNT = "orch-agentlet"
PROGRAM = "/usr/local/lib/orch-agentlet/agentlet.pyz"
WHO = """
    - hosts: all
      gather_facts: false
      vars: {orch_carrier: agentlet}
      tasks:
        - {name: plain, command: id -un, changed_when: false}
        - {name: root, command: id -un, become: true, changed_when: false}
        - {name: other, command: id -un, become: true, become_user: ops, changed_when: false}
        - {name: made, copy: {content: "hello\\n", dest: /etc/made-by-root, mode: "0600"}, become: true}
"""


def address_towards(host: LabHost) -> str:
    """This machine's own address, as the host sees it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect((host.address, 9))
        return str(asking.getsockname()[0])


@pytest.fixture
def host(lab_hosts: Any, request: pytest.FixtureRequest) -> LabHost:
    found: LabHost = lab_hosts(1, image=getattr(request, "param", "bookworm"), fresh=True)[0]
    return found


@pytest.fixture
def server(project: Project, host: LabHost) -> Iterator[subprocess.Popen[str]]:
    here = address_towards(host)
    process = project.start("serve", "--name", here, "--agents-port", "0")
    assert process.stdout is not None
    port = next(found[1] for line in process.stdout if (found := re.search(r":(\d{4,5})\b", line)))
    project.env["ORCH_AGENTS_URL"] = f"https://{here}:{port}"
    yield process
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)


@pytest.fixture
def enrolled(project: Project, server: Any, host: LabHost) -> LabHost:
    """By the pasted line, with the option that gives it an account of its own."""
    project.hosts(host)
    invited = project.orch("agents", "invite", host.name)
    assert invited.rc == 0, invited.err
    said = host.exec(["sh", "-c", f"{invited.out.strip()} -s -- --user {ACCOUNT}"], timeout_s=120)
    assert "enrolled as" in said and "the agentlet runs" in said, said
    wait_for(lambda: '"online"' in project.orch("agents", "list", "--json").out, "the agentlet calls in", 60)
    return host


def as_account(host: LabHost, account: str, code: str) -> str:
    """What Python code says that runs there as that account, with the agentlet's own modules at hand."""
    return host.exec(["setpriv", f"--reuid={account}", f"--regid={account}", "--init-groups", "python3", "-IS", "-c",
                      f"import sys; sys.path.insert(0, {PROGRAM!r})\n{code}"])


@pytest.mark.parametrize("host", ["bullseye", "bookworm", "trixie"], indirect=True)
def test_tasks_run_as_who_they_ask_for_and_the_service_is_hemmed_in(project: Project, enrolled: LabHost) -> None:
    pid = enrolled.exec("systemctl show -P MainPID orch-agentlet").strip()
    status = enrolled.exec(f"cat /proc/{pid}/status")
    uid = enrolled.exec(f"id -u {ACCOUNT}").strip()
    assert re.search(rf"^Uid:\t{uid}\t{uid}\t{uid}\t{uid}$", status, re.M), status
    assert "NoNewPrivs:\t1" in status and "CapBnd:\t0000000000000000" in status
    if enrolled.image == "bookworm":  # Python 3.11: later ones take more by themselves
        assert int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) <= 20 * 1024, status
    project.write(site=WHO)
    done = project.run(timeout=120)
    assert done.rc == 0, done.out + done.err
    said = {row["task_name"]: row["values"].get("stdout") for row in project.results() if row["carrier"] == "mailbox"}
    assert said == {"plain": ACCOUNT, "root": "root", "other": "ops", "made": None}, said
    assert enrolled.exec("stat -c %U:%a /etc/made-by-root") == "root:600\n"
    again = project.run(timeout=120)
    assert again.rc == 0 and again.recap(enrolled.name)["changed"] == 0, again.out
    units = "systemctl list-units --all --no-legend 'orch-agentlet-helper@*'"
    wait_for(lambda: not enrolled.exec(units).strip(), "no helper of root's stays behind", 10)
    shown = enrolled.exec(f"python3 {PROGRAM} status")
    has_keyring = enrolled.exec("command -v systemd-creds", check=False)
    assert bool(enrolled.exec("ls /var/lib/orch-agentlet-helper/keys.json.sealed", check=False)) == bool(has_keyring)
    assert "helper    answers" in shown and re.search(r"^contact +online", shown, re.M), shown


def test_the_owners_policy_is_judged_and_names_its_rule(project: Project, enrolled: LabHost) -> None:
    enrolled.exec("mkdir -p /etc/orch-agentlet; cat > /etc/orch-agentlet/policy.json",
                  input=json.dumps({"modules": {"deny": ["copy"]}, "become_users": ["root"]}).encode())
    project.write(site=WHO.replace("- {name: other", "- {name: other, ignore_errors: true"))
    done = project.run(timeout=120)
    assert done.rc == 2, done.out + done.err
    said = {row["task_name"]: row for row in project.results() if row["carrier"] == "mailbox"}
    assert said["root"]["values"]["stdout"] == "root"
    assert "rule become_users" in said["other"]["message"] and "rule modules.deny" in said["made"]["message"], said


def test_whoever_has_taken_over_the_agentlet_can_make_no_job(project: Project, enrolled: LabHost) -> None:
    forge = """
import json, time
from agentlet.pull import signing
from agentlet.pull.door import SOCKET, Door
known = json.load(open("/var/lib/orch-agentlet/identity.json"))
secrets = json.load(open("/var/lib/orch-agentlet/secrets.json"))
task = {"id": "t1", "module": "command", "args": {"_raw_params": "touch /root/forged"}, "become": {"user": "root"}}
text = json.dumps({"v": 1, "agent": known["agent"], "host": known["host"], "job": "j", "attempt": 1, "tasks": [task],
                   "sources": [], "blobs": [], "secrets": {}, "expires": time.time() + 3600})
for key in (secrets["token"], "00" * 32):
    try:
        Door(SOCKET).open(text, signing.envelope_signature(key, text), "root")
        print("it was taken")
    except Exception as error:
        print(error.code)
for path in ("/var/lib/orch-agentlet-helper/keys.json.sealed", "/run/orch-agentlet/x"):
    try:
        open(path)
    except PermissionError:
        print("no keys")
"""
    assert as_account(enrolled, ACCOUNT, forge).split("\n") == [
        "bad_signature", "bad_signature", "no keys", "no keys", ""]
    enrolled.exec("test ! -e /root/forged")
    knock = ("from agentlet.pull.door import SOCKET, Door\ntry:\n    Door(SOCKET).is_signed('', '')\n"
             "except Exception as error:\n    print(error)\n")
    assert "Permission denied" in as_account(enrolled, "ops", knock)
    enrolled.exec("chmod 666 /run/orch-agentlet-helper.sock")
    assert "The helper serves orch-agentlet, and nobody else" in as_account(enrolled, "ops", knock)


def test_keys_are_renewed_without_the_agentlet_seeing_them_and_a_boot_changes_nothing(
    project: Project, enrolled: LabHost
) -> None:
    project.write(site=WHO)
    opened = "cat /run/orch-agentlet/*/keys.json"
    before = json.loads(enrolled.exec(opened))["job_keys"]
    rotated = project.orch("agents", "rotate", enrolled.name)
    assert rotated.rc == 0, rotated.err
    keys = wait_for(lambda: len(found := json.loads(enrolled.exec(opened))["job_keys"]) == 2 and found, "the next", 120)
    assert keys[1:] == before
    assert enrolled.exec(f"grep -rlE '{'|'.join(keys)}' /var/lib/orch-agentlet* || true") == "", "they are sealed"
    enrolled.kill()
    enrolled.start()
    done = project.run(timeout=120)
    assert done.rc == 0, done.out + done.err


def test_uninstalling_leaves_nothing_but_the_account(project: Project, enrolled: LabHost) -> None:
    said = enrolled.exec(f"python3 {PROGRAM} uninstall")
    assert "/var/lib/orch-agentlet-helper" in said, said
    left = enrolled.exec("ls -d /var/lib/orch-agentlet* /usr/local/lib/orch-agentlet* /run/orch-agentlet*"
                         " /etc/systemd/system/orch-agentlet* 2>/dev/null", check=False)
    assert left == "", left
    assert enrolled.exec("systemctl is-failed orch-agentlet", check=False).strip() != "failed"
