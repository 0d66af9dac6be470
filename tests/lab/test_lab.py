"""The lab is what it says: hosts that can be reached, cut off, frozen, felled, and come back as themselves."""

from __future__ import annotations

import subprocess

import pytest

from tests.lab import images
from tests.lab.engine import LabError
from tests.lab.fixtures import LabHosts
from tests.lab.hosts import LabHost
from tests.lab.loopback import LoopbackSshd


def ssh(host: LabHost, command: str, user: str = "root") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ssh", *host.ssh_options(user), host.address, command], capture_output=True, text=True,
                          timeout=60)


@pytest.mark.parametrize(("user", "sudo_exit"), [("root", 0), ("ops-nopass", 0), ("ops", 1), ("plain", 1)])
def test_the_accounts_have_the_rights_they_are_named_for(lab_host: LabHost, user: str, sudo_exit: int) -> None:
    assert ssh(lab_host, "id -un", user).stdout == f"{user}\n"
    assert ssh(lab_host, "sudo -n true", user).returncode == sudo_exit


@pytest.mark.parametrize(("image", "version"), [("bookworm", "3.11"), ("bullseye", "3.9"), ("trixie", "3.13")])
def test_each_suite_has_its_python_and_a_running_system(lab_hosts: LabHosts, image: str, version: str) -> None:
    [host] = lab_hosts(1, image)
    program = "import json, apt, platform; print(platform.python_version())"
    assert ssh(host, f"python3 -c '{program}'").stdout.startswith(f"{version}.")
    assert host.exec("systemctl is-system-running --wait", check=False).strip() == "running"


def test_the_host_without_python_has_none(no_python_host: LabHost) -> None:
    assert ssh(no_python_host, "ls /usr/bin/*python*").returncode != 0


def test_hosts_have_host_keys_of_their_own(lab_hosts: LabHosts) -> None:
    assert len({host.host_key for host in lab_hosts(2)}) == 2


def test_a_host_that_was_cut_off_comes_back_under_its_address(lab_hosts: LabHosts) -> None:
    host = lab_hosts(2)[1]
    host.cut()
    with pytest.raises(LabError):
        host.await_ssh(1)
    assert host.exec("echo alive") == "alive\n", "a cut cable does not stop the host"
    host.restore()
    assert ssh(host, "echo back").stdout == "back\n"


def test_the_address_of_a_host_that_is_cut_off_is_given_to_nobody_else(lab_hosts: LabHosts) -> None:
    host = lab_hosts(1)[0]
    host.cut()
    [newcomer] = lab_hosts(1, fresh=True)
    assert newcomer.address != host.address
    host.restore()


def test_a_paused_host_accepts_and_does_not_answer(lab_host: LabHost) -> None:
    lab_host.pause()
    with pytest.raises(LabError):
        lab_host.await_ssh(1)
    lab_host.unpause()
    lab_host.await_ssh()


def test_a_killed_host_boots_again_with_its_disk_and_address(lab_host: LabHost) -> None:
    lab_host.exec("echo kept > /root/mark")
    lab_host.kill()
    assert not lab_host.is_running()
    lab_host.start()
    assert ssh(lab_host, "cat /root/mark").stdout == "kept\n"


def test_one_loopback_sshd_is_many_hosts(loopback_sshd: LoopbackSshd) -> None:
    options = ["-F", "none", "-i", str(loopback_sshd.key), "-p", str(loopback_sshd.port), "-o", "BatchMode=yes",
               "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={loopback_sshd.known_hosts}"]
    for host in loopback_sshd.hosts(300)[::100]:
        command = ["ssh", *options, host.address, "echo $SSH_CONNECTION; echo $HOME"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert host.address in done.stdout, done.stderr
        assert str(loopback_sshd.home) in done.stdout


def test_postgresql_answers_at_its_url(fresh_postgres_url: str) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    with sqlalchemy.create_engine(fresh_postgres_url).connect() as connection:
        assert connection.execute(sqlalchemy.text("select 1")).scalar_one() == 1


def test_a_recipe_s_digest_follows_its_content() -> None:
    recipe = images.RECIPES["bookworm"]
    other = images.Recipe(recipe.name, recipe.suite, (*recipe.packages, "vim"))
    assert recipe.digest() != other.digest()
    assert recipe.tag.startswith("orch-lab:bookworm-")
