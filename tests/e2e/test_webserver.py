"""The ready web server playbook on three real hosts: comes up, is idempotent, survives a host that is cut off."""

from __future__ import annotations

import urllib.request
from pathlib import Path

from tests.e2e.conftest import wait_for

PLAYBOOK = str(Path(__file__).parents[2] / "playbooks" / "webserver.yml")


def answer(host) -> str:
    with urllib.request.urlopen(f"http://{host.address}/", timeout=5) as page:
        return page.read().decode()


def test_three_hosts_come_up_and_the_second_run_changes_nothing(project, lab_hosts):
    hosts = lab_hosts(3, fresh=True)
    inventory(project, hosts)
    first = project.run(playbook=PLAYBOOK, timeout=400)
    assert first.rc == 0, first.out + first.err
    for host in hosts:
        assert host.name in answer(host)
    second = project.run(playbook=PLAYBOOK)
    assert second.rc == 0, second.out + second.err
    for host in hosts:
        assert second.recap(host.name)["changed"] == 0, second.out


def test_a_host_cut_off_in_the_middle_is_finished_by_resume_without_repeating_a_task(project, lab_hosts):
    hosts = lab_hosts(3, fresh=True)
    inventory(project, hosts)
    lost = hosts[2]
    process = project.start("run", PLAYBOOK, "-i", project.inventory)
    wait_for(lambda: lost.exec("getent group | grep -c . ; pgrep -f 'apt-get|dpkg'", check=False).split()[1:],
             "packages are being installed", 120)
    lost.cut()
    out, err = process.communicate(timeout=400)
    try:
        assert process.returncode == 4, out + err
        for host in hosts[:2]:
            assert host.name in answer(host)
    finally:
        lost.restore()
    lost.await_ssh()
    before = {(r["host"], r["task_id"], r["path"], r["item_index"]): r["ended"] for r in project.results()
              if r["status"] in ("ok", "changed", "skipped")}
    resumed = project.orch("run", "--resume", project.last_run(), timeout=400)
    assert resumed.rc == 0, resumed.out + resumed.err
    for host in hosts:
        assert host.name in answer(host)
    after = {}
    for row in project.results():
        after.setdefault((row["host"], row["task_id"], row["path"], row["item_index"]), []).append(row["ended"])
    repeated = [key for key, ended in before.items() if after[key] != [ended]]
    assert repeated == []


def inventory(project, hosts) -> None:
    lines = "\n".join(h.inventory_line("root") for h in hosts)
    path = project.folder / "inventory.ini"
    path.write_text(f"[web]\n{lines}\n")
    project.inventory = str(path)
