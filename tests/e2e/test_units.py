"""The units of docs/units in a host with systemd: stopped in the middle of a run, the service goes on with it."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import wait_for
from tests.lab.engine import docker
from tests.lab.fixtures import _require_image
from tests.lab.hosts import Lab, LabHost

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "docs" / "units"
IMAGES = {(3, 11): "bookworm", (3, 13): "trixie"}
"""Whose Python loads the packages of this environment."""
PROGRAM = """#!/bin/sh
exec env PYTHONPATH=/opt/orch/src:/opt/orch/site PYTHONDONTWRITEBYTECODE=1 python3 -m orchestrator.cli.main "$@"
"""
SITE = """
- hosts: all
  gather_facts: false
  tasks:
    - {name: one, shell: "echo x >> {{ folder }}/{{ inventory_hostname }}.one; sleep 3"}
    - {name: two, shell: "echo x >> {{ folder }}/{{ inventory_hostname }}.two; sleep 1"}
    - {name: three, shell: "echo x >> {{ folder }}/{{ inventory_hostname }}.three"}
"""
REACH = "ansible_user=plain ansible_ssh_private_key_file=/srv/orch/site/key ansible_ssh_common_args='" \
    "-o StrictHostKeyChecking=yes -o UserKnownHostsFile=/srv/orch/site/known_hosts'"
HOSTS = f"h1 ansible_host=127.0.0.1 {REACH}\nh2 ansible_host=127.0.0.2 {REACH}\n"
"""The server's own machine, by SSH."""
LAUNCH = """
from pathlib import Path
from orchestrator.access.identities import by_command_line
from orchestrator.control.control import open_control
from orchestrator.runs.requests import RunRequest
me, control = by_command_line("tests"), open_control(Path("/var/lib/orch"))
project = control.projects.create(me, {unit!r}, "directory", path="/srv/orch/site")
inventory = control.inventories.create(me, {unit!r}, "files", project_id=project.id, sources=["hosts.ini"])
request = RunRequest(project.id, "site.yml", inventory.id, extra_vars={{"folder": {folder!r}}})
print(control.launches.launch(me, request))
control.close()
"""
LOOK = """
import json, sqlite3
row = sqlite3.connect("/var/lib/orch/orch.db").execute("SELECT status, resumes, worker_id FROM runs WHERE id = ?",
                                                       ({run_id!r},)).fetchone()
print(json.dumps(row))
"""


@pytest.fixture(scope="module")
def host(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHost]:
    """With this checkout and its packages in it, an account, and both units."""
    image = IMAGES.get(sys.version_info[:2])
    if image is None:
        pytest.skip(f"no lab image has Python {sys.version_info[0]}.{sys.version_info[1]}")
    _require_image(image)
    packages = sysconfig.get_path("purelib")
    own = Lab(lab.name, tmp_path_factory.mktemp("lab"), options=(
        "--volume", f"{ROOT}:/opt/orch/src:ro", "--volume", f"{packages}:/opt/orch/site:ro"))
    (made,) = own.add(1, image, prefix=f"server{os.getpid()}-")
    made.exec("useradd --system --home-dir /var/lib/orch orch; mkdir -p /opt/orch/bin /etc/orch /srv/orch/site"
              " /srv/orch/counts && cd /srv/orch/site && ssh-keygen -q -t ed25519 -N '' -f key && install -d -o plain"
              " ~plain/.ssh && cp key.pub ~plain/.ssh/authorized_keys && sed 's/^/127.0.0.1,127.0.0.2 /'"
              " /etc/ssh/ssh_host_ed25519_key.pub > known_hosts && chown -R orch /srv/orch/site")
    for place, text in (("/opt/orch/bin/orch", PROGRAM), ("/srv/orch/site/site.yml", SITE),
                        ("/srv/orch/site/hosts.ini", HOSTS),
                        ("/etc/orch/serve.env", "ORCH_PROJECT_ROOTS=/srv/orch\nOPTIONS=--page-port 8080\n"),
                        ("/etc/orch/worker.env", "ORCH_PROJECT_ROOTS=/srv/orch\n"),
                        *((f"/etc/systemd/system/{unit.name}", unit.read_text()) for unit in UNITS.iterdir())):
        made.exec(["tee", place], input=text.encode())
    made.exec("chmod 755 /opt/orch/bin/orch; systemctl daemon-reload")
    yield made
    docker("rm", "--force", "--volumes", made.container)


def asked(host: LabHost, script: str) -> str:
    """What a script says that runs as the service's account."""
    return host.exec(["runuser", "-u", "orch", "--", "env", "-C", "/", "PYTHONPATH=/opt/orch/src:/opt/orch/site",
                      "ORCH_PROJECT_ROOTS=/srv/orch", "python3", "-"], input=script.encode()).strip()


@pytest.mark.parametrize("unit", ["orch-serve", "orch-worker"])
def test_a_service_that_is_stopped_in_the_middle_goes_on_when_it_is_started(host: LabHost, unit: str) -> None:
    folder = f"/srv/orch/counts/{unit}"
    host.exec(f"mkdir {folder} && chown plain {folder}")
    host.exec(f"systemctl start {unit}")
    wait_for(lambda: "worker" in host.exec(f"ls /var/lib/orch; journalctl -u {unit} -o cat"), "it has begun", 180)
    run_id = asked(host, LAUNCH.format(unit=unit, folder=folder))
    wait_for(lambda: host.exec(f"ls {folder}").split() == ["h1.one", "h2.one"], "the first task runs", 180)
    host.exec(f"systemctl stop {unit}")
    shown = host.exec(f"systemctl show {unit} -p Result -p ExecMainStatus --value")
    assert shown.split() == ["success", "0"], host.exec(f"journalctl -u {unit} -o cat")
    assert host.exec("pgrep -u orch || true") == "", "nothing is left of it"
    assert json.loads(asked(host, LOOK.format(run_id=run_id))) == ["queued", 0, None]
    host.exec(f"systemctl start {unit}")
    wait_for(lambda: json.loads(asked(host, LOOK.format(run_id=run_id)))[0] == "ok", "it ends well", 180)
    assert json.loads(asked(host, LOOK.format(run_id=run_id)))[:2] == ["ok", 1]
    assert host.exec(f"cd {folder}; for f in *; do echo $f $(cat $f); done").splitlines() == [
        f"{name}.{task} x" for name in ("h1", "h2") for task in ("one", "three", "two")]
    if unit == "orch-serve":
        host.exec(f"systemctl reload {unit}")
        assert "ok" in host.exec("curl --silent --fail --retry 5 --retry-connrefused http://127.0.0.1:8080/health/live")
    host.exec(f"systemctl stop {unit}")
