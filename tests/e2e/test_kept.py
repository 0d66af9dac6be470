"""Connections that outlive a run: the next one gets in by them, also where the first has closed the door behind it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import interrupt, wait_for

PING = """
    - hosts: all
      gather_facts: false
      tasks:
        - {name: who, command: cat /etc/hostname}
        - {name: without python, raw: echo raw}
"""


@pytest.fixture
def sockets(project: Any) -> Iterator[Path]:
    """Where this test's runs leave their sockets. Nothing may be left of them or their processes in the end."""
    runtime = tempfile.mkdtemp(prefix="k", dir="/tmp")
    project.env = {"XDG_RUNTIME_DIR": runtime, "ORCH_KEEP_CONNECTIONS": "60"}
    yield Path(runtime) / "orch/kept"
    for pid in keepers(project):
        os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not keepers(project), "the keepers end on SIGTERM")
    left = list(Path(runtime).glob("orch/kept/*"))
    shutil.rmtree(runtime)
    assert left == []


def keepers(project: Any) -> list[int]:
    """The processes that this project's runs left behind: they bear the run's command line, and a name of their own."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            named = folder.name.isdigit() and (folder / "comm").read_text() == "orch-keeper\n"
            if named and str(project.folder).encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def keeper(project: Any) -> int:
    """The one that a run has left behind, once it has its name: a busy machine gives it that later."""
    return int(wait_for(lambda: found if len(found := keepers(project)) == 1 else None, "the line is kept")[0])


def open_files(pid: int) -> set[str]:
    """The kinds of what a process has open; empty while one of them is just being closed."""
    try:
        return {os.readlink(entry).partition(":")[0] for entry in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return set()


def logins(host: Any) -> int:
    host.exec(["journalctl", "--sync"])  # what was said before this is in it then, on a busy machine too
    return host.exec(["journalctl", "-u", "ssh", "-o", "cat"]).count("Accepted publickey")


@pytest.fixture
def host(project: Any, lab_hosts: Any) -> Any:
    one = lab_hosts(1, fresh=True)[0]
    project.hosts(one)
    project.write(site=PING)
    return one


DOORS = [
    ("sshd takes no more connections", "systemctl stop ssh"),
    ("nobody may log in", "echo 'DenyUsers *' > /etc/ssh/sshd_config.d/closed.conf; systemctl reload ssh"),
]


@pytest.mark.parametrize("closing", [row[1] for row in DOORS], ids=[row[0] for row in DOORS])
def test_the_next_run_gets_in_though_the_first_has_closed_the_door(
    project: Any, sockets: Path, host: Any, closing: str
) -> None:
    project.env["ORCH_KEEP_CONNECTIONS"] = "8"
    project.write(close=f"""
        - hosts: all
          gather_facts: false
          tasks:
            - {{name: close the door, shell: "{closing}"}}
    """)
    assert project.run(playbook="close.yml").rc == 0
    second = project.run()
    assert second.rc == 0, second.out
    wait_for(lambda: not keepers(project), "the line ends after its idle time")
    assert list(sockets.iterdir()) == []
    assert project.run().rc == 4


def test_the_caller_does_not_wait_for_what_stays_behind(project: Any, sockets: Path, host: Any) -> None:
    ours, theirs = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestrator.cli.main", "run", "site.yml", "-i", project.inventory], cwd=project.folder,
        env={**os.environ, "ORCH_STATE_DIR": str(project.folder / "state"), **project.env}, pass_fds=(theirs,),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.PIPE)
    os.close(theirs)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    with os.fdopen(ours, "rb") as other:
        began = time.monotonic()
        assert other.read() == b""
        assert time.monotonic() - began < 30, "what stays behind stays a minute"
    pid = keeper(project)
    assert os.getsid(pid) == pid != os.getsid(0)
    if os.getuid() == 0:
        wait_for(lambda: open_files(pid) == {"/dev/null", "socket", "anon_inode"}, "it closes what is not its own")


def test_one_login_serves_several_runs_and_commands(project: Any, sockets: Path, host: Any) -> None:
    assert project.run().rc == 0
    keeper(project)
    before = logins(host)
    assert project.run().rc == 0
    done = project.orch("exec", "all", "-i", project.inventory, "-a", "echo once more")
    assert done.rc == 0 and "once more" in done.out
    assert logins(host) == before
    assert len(keepers(project)) == 1


def test_a_killed_keeper_is_no_obstacle(project: Any, sockets: Path, host: Any) -> None:
    assert project.run().rc == 0
    os.kill(keeper(project), signal.SIGKILL)
    wait_for(lambda: not keepers(project), "the keeper is dead")
    assert len(list(sockets.iterdir())) == 1
    before = logins(host)
    assert project.run().rc == 0
    assert logins(host) == before + 1
    assert len(list(sockets.iterdir())) == 1


def test_a_keeper_that_hangs_is_no_obstacle(project: Any, sockets: Path, host: Any) -> None:
    assert project.run().rc == 0
    pid = keeper(project)
    os.kill(pid, signal.SIGSTOP)
    try:
        assert project.run().rc == 0
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_host_cut_off_between_two_runs_is_unreachable_in_bounded_time(
    project: Any, sockets: Path, host: Any
) -> None:
    assert project.run().rc == 0
    host.cut()
    began = time.monotonic()
    ended = project.run()
    assert (ended.rc, ended.recap(host.name)["unreachable"]) == (4, 1), ended.out
    assert time.monotonic() - began < 30
    host.restore()
    assert project.run().rc == 0


def test_a_run_that_is_stopped_keeps_nothing(project: Any, sockets: Path, host: Any) -> None:
    project.write(slow="""
        - hosts: all
          gather_facts: false
          tasks:
            - {name: wait, shell: "touch /tmp/waits; sleep 4"}
            - {name: never, command: "true"}
    """)
    process = project.start("run", "slow.yml", "-i", project.inventory)
    wait_for(lambda: "waits" in host.exec(["ls", "/tmp"]), "the task runs")
    interrupt(process)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert keepers(project) == []


def test_a_failed_task_keeps_its_line(project: Any, sockets: Path, host: Any) -> None:
    project.write(fails="[{hosts: all, gather_facts: false, tasks: [{command: 'false'}]}]")
    assert project.run(playbook="fails.yml").rc == 2
    assert len(keepers(project)) == 1


def test_reset_connection_logs_in_anew(project: Any, sockets: Path, host: Any) -> None:
    assert project.run().rc == 0
    before = logins(host)
    project.write(resets="""
        - hosts: all
          gather_facts: false
          tasks:
            - {command: "true"}
            - {meta: reset_connection}
            - {command: "true"}
    """)
    assert project.run(playbook="resets.yml").rc == 0
    assert logins(host) == before + 1
    wait_for(lambda: len(keepers(project)) == 1, "the line that was dropped is closed, the new one kept")


def test_nothing_is_kept_where_that_is_set(project: Any, sockets: Path, host: Any) -> None:
    project.env["ORCH_KEEP_CONNECTIONS"] = "0"
    assert project.run().rc == 0
    assert keepers(project) == []
