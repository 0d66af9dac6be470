"""A run that is killed, stopped or cut off: nothing runs twice, nothing is left behind, nothing is guessed."""

from __future__ import annotations

import signal
import time

from tests.e2e.conftest import interrupt, wait_for

SLOW = """
    - hosts: all
      gather_facts: false
      tasks:
        - name: count
          shell: echo x >> /root/counter; sleep {seconds}; echo done-$(wc -l < /root/counter)
          register: out
        - name: after
          shell: "echo '{{{{ out.stdout }}}}' > /root/after"
"""


def test_a_killed_run_resumes_with_the_real_result_of_the_task_that_ran_on(project, lab_hosts):
    (host,) = lab_hosts(1, fresh=True)
    project.hosts(host)
    project.write(site=SLOW.format(seconds=6))
    process = project.start("run", "site.yml", "-i", project.inventory)
    wait_for(lambda: host.exec("cat /root/counter 2>/dev/null", check=False), "the task begins")
    process.kill()
    process.communicate()
    run = project.last_run()
    resumed = project.orch("run", "--resume", run)
    assert resumed.rc == 0, resumed.out + resumed.err
    assert host.exec("cat /root/counter").split() == ["x"]
    assert host.exec("cat /root/after").strip() == "done-1"
    stored = {r["task_name"]: r for r in project.results()}
    assert stored["count"]["values"]["stdout"] == "done-1"
    assert stored["count"]["status"] == "changed"


def test_a_killed_run_resumed_after_the_task_has_ended_on_the_host_takes_its_receipt(project, lab_hosts):
    (host,) = lab_hosts(1, fresh=True)
    project.hosts(host)
    project.write(site=SLOW.format(seconds=2))
    process = project.start("run", "site.yml", "-i", project.inventory)
    wait_for(lambda: host.exec("cat /root/counter 2>/dev/null", check=False), "the task begins")
    process.kill()
    process.communicate()
    wait_for(lambda: not host.exec("pgrep -f '[s]leep 2$'", check=False).strip(), "the task ends by itself")
    wait_for(lambda: not host.exec("pgrep -f '[p]ython3 -'", check=False).strip(), "its runtime ends")
    resumed = project.orch("run", "--resume", project.last_run())
    assert resumed.rc == 0, resumed.out + resumed.err
    assert host.exec("cat /root/counter").split() == ["x"]
    assert host.exec("cat /root/after").strip() == "done-1"


def test_ctrl_c_twice_leaves_nothing_running_on_the_host(project, lab_hosts):
    (host,) = lab_hosts(1, fresh=True)
    project.hosts(host)
    project.write(site="""
        - hosts: all
          gather_facts: false
          tasks:
            - name: slow
              shell: touch /root/began; (setsid sleep 4711 &) ; sleep 4712
            - {name: never, command: touch /root/never}
    """)
    process = project.start("run", "site.yml", "-i", project.inventory)
    wait_for(lambda: host.exec("test -e /root/began && echo yes", check=False), "the task begins")
    interrupt(process)
    time.sleep(1)  # two signals at once are one
    interrupt(process)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert host.exec("pgrep -f 'sleep 471[12]'", check=False).strip() == ""
    assert "nothing of them runs on the hosts any more" in out + err
    assert host.exec("test -e /root/never && echo yes", check=False) == ""
    assert {r["task_name"]: r["status"] for r in project.results()} == {"slow": "cancelled"}


def test_ctrl_c_once_lets_the_running_task_end_and_begins_no_other(project, lab_hosts):
    (host,) = lab_hosts(1, fresh=True)
    project.hosts(host)
    project.write(site=SLOW.format(seconds=3))
    process = project.start("run", "site.yml", "-i", project.inventory)
    wait_for(lambda: host.exec("cat /root/counter 2>/dev/null", check=False), "the task begins")
    interrupt(process)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert f"{host.name}: stopped before 'after'" in out + err
    resumed = project.orch("run", "--resume", project.last_run())
    assert resumed.rc == 0, resumed.out + resumed.err
    assert host.exec("cat /root/counter").split() == ["x"]
    assert host.exec("cat /root/after").strip() == "done-1"


def test_a_cancelled_run_ends_its_task_on_the_host(project, lab_hosts):
    (host,) = lab_hosts(1, fresh=True)
    project.hosts(host)
    project.write(site=SLOW.format(seconds=4713))
    process = project.start("run", "site.yml", "-i", project.inventory)
    wait_for(lambda: host.exec("cat /root/counter 2>/dev/null", check=False), "the task begins")
    assert project.orch("runs", "cancel").rc == 0
    process.communicate(timeout=60)
    assert host.exec("pgrep -f 'sleep 471[3]'", check=False).strip() == ""


def test_a_host_cut_off_is_unreachable_and_the_others_are_done_and_resume_does_the_rest(project, lab_hosts):
    hosts = lab_hosts(3, fresh=True)
    cut = hosts[1]
    project.hosts(*hosts)
    project.write(site="""
        - hosts: all
          gather_facts: false
          tasks:
            - {name: first, shell: echo x >> /root/first}
            - {name: slow, shell: echo x >> /root/slow; sleep 5}
            - {name: last, shell: echo x >> /root/last}
    """)
    process = project.start("run", "site.yml", "-i", project.inventory)
    wait_for(lambda: cut.exec("cat /root/slow 2>/dev/null", check=False), "the slow task begins")
    cut.cut()
    out, err = process.communicate(timeout=150)
    try:
        assert process.returncode == 4, out + err
        assert hosts[0].exec("cat /root/last").split() == ["x"]
        assert "UNREACHABLE" in out
    finally:
        cut.restore()
    cut.await_ssh()
    resumed = project.orch("run", "--resume", project.last_run())
    assert resumed.rc == 0, resumed.out + resumed.err
    for host in hosts:
        for name in ("first", "slow", "last"):
            assert host.exec(f"cat /root/{name}").split() == ["x"], (host.name, name)


def test_a_run_that_is_alive_is_not_resumed_by_another(project, lab_hosts):
    (host,) = lab_hosts(1, fresh=True)
    project.hosts(host)
    project.write(site=SLOW.replace("sleep {seconds}", "until test -e /root/go; do sleep 0.1; done").format())
    process = project.start("run", "site.yml", "-i", project.inventory)
    wait_for(lambda: host.exec("cat /root/counter 2>/dev/null", check=False), "the task begins")
    second = project.orch("run", "--resume", project.last_run())
    host.exec("touch /root/go")
    assert (second.rc, second.out) == (1, "")
    assert "is being" in second.err
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert host.exec("cat /root/counter").split() == ["x"]


def test_sigterm_is_a_stop(project, lab_hosts):
    (host,) = lab_hosts(1, fresh=True)
    project.hosts(host)
    project.write(site=SLOW.format(seconds=4714))
    process = project.start("run", "site.yml", "-i", project.inventory)
    wait_for(lambda: host.exec("cat /root/counter 2>/dev/null", check=False), "the task begins")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert host.exec("pgrep -f 'sleep 471[4]'", check=False).strip() == ""


def test_a_run_that_cannot_be_recorded_touches_no_host(project, tmp_path):
    marker = tmp_path / "marker"
    project.write(site=f"""
    - hosts: all
      gather_facts: false
      tasks:
        - raw: touch {marker}
        - command: touch {marker}
    """)
    (tmp_path / "not-a-database").write_text("these are the words of somebody else\n" * 100)
    run = project.orch("run", "site.yml", "-i", "a,b,", "-c", "local", "--store", str(tmp_path / "not-a-database"))
    assert run.rc == 1
    assert "the file is not a store" in run.err
    assert "fatal" not in run.out
    assert not marker.exists()
