"""Packages, services, accounts, cron and host name on a lab host: predicted, done, and done once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.fixtures import LabHosts
from tests.modules.remote import Remote

HASH = "$6$orchsalt$0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789abcd"


@pytest.fixture(params=["bookworm", "bullseye", "trixie"])
def each_remote(request: pytest.FixtureRequest, lab_hosts: LabHosts) -> Remote:
    return Remote(lab_hosts(1, request.param)[0])


@pytest.fixture
def remote(lab_hosts: LabHosts) -> Remote:
    return Remote(lab_hosts(1)[0])


def test_facts_of_a_debian_host(each_remote: Remote) -> None:
    result = each_remote.run("setup", {})
    assert result["warnings"] == []
    facts = result["values"]["ansible_facts"]
    assert facts["ansible_distribution"] == "Debian" and facts["ansible_service_mgr"] == "systemd"
    assert facts["ansible_pkg_mgr"] == "apt" and facts["ansible_virtualization_type"] == "docker"
    assert facts["ansible_default_ipv4"]["address"] == each_remote.lab_host.address
    assert facts["ansible_systemd"]["version"] >= 247


def test_a_group_comes_changes_and_goes(each_remote: Remote) -> None:
    look = "getent group orchgroup"
    each_remote.converge("group", {"name": "orchgroup", "gid": 4444}, look)
    assert each_remote.shell(look) == "orchgroup:x:4444:"
    each_remote.converge("group", {"name": "orchgroup", "gid": 4445}, look)
    each_remote.converge("group", {"name": "orchgroup", "state": "absent"}, look)
    assert each_remote.shell(look) == ""


def test_a_user_comes_changes_and_goes(each_remote: Remote) -> None:
    look = "getent passwd bob; getent shadow bob; id -nG bob; ls -la /home /srv"
    new = {"name": "bob", "uid": 3333, "groups": ["adm", "cdrom"], "comment": "Bob B.", "shell": "/bin/bash",
           "password": HASH}
    assert HASH not in str(each_remote.converge("user", new, look))
    assert each_remote.shell("getent passwd bob") == "bob:x:3333:3333:Bob B.:/home/bob:/bin/bash"
    assert each_remote.shell("getent shadow bob").split(":")[1] == HASH
    assert each_remote.shell("stat -c %U /home/bob/.bashrc") == "bob"
    more = {"name": "bob", "groups": ["tape"], "append": True, "home": "/srv/bob", "move_home": True,
            "expires": 1900000000, "password_expire_max": 90, "password_lock": True}
    each_remote.converge("user", more, look)
    assert sorted(each_remote.shell("id -nG bob").split()) == ["adm", "bob", "cdrom", "tape"]
    assert each_remote.shell("getent shadow bob").split(":")[1::2] == ["!" + HASH, "0", "7", "21990"]
    each_remote.converge("user", {"name": "bob", "groups": "", "expires": -1, "password_lock": False}, look)
    assert each_remote.shell("id -nG bob") == "bob"
    each_remote.converge("user", {"name": "bob", "state": "absent", "remove": True}, look)
    assert each_remote.shell("getent passwd bob; ls -d /srv/bob /home/bob 2>/dev/null; true") == ""


def test_a_users_key_is_made_as_the_user_and_its_passphrase_is_in_no_argument(remote: Remote) -> None:
    args = {"name": "keyholder", "generate_ssh_key": True, "ssh_key_type": "ed25519",
            "ssh_key_passphrase": "very secret words"}
    values = remote.converge("user", args, "ls -la /home")["values"]
    assert "very secret words" not in str(values)
    assert values["ssh_key_file"] == "/home/keyholder/.ssh/id_ed25519" and "ED25519" in values["ssh_fingerprint"]
    assert remote.shell("stat -c '%U %a' /home/keyholder/.ssh/id_ed25519") == "keyholder 600"
    opened = "ssh-keygen -y -P '{}' -f /home/keyholder/.ssh/id_ed25519 >/dev/null 2>&1; echo $?"
    assert (remote.shell(opened.format("very secret words")), remote.shell(opened.format("")) != "0") == ("0", True)
    remote.run("user", {"name": "keyholder", "state": "absent", "remove": True})


def test_update_password_on_create_leaves_a_later_password(remote: Remote) -> None:
    args = {"name": "pwuser", "password": HASH, "update_password": "on_create"}
    remote.run("user", args)
    remote.unchanged("user", {**args, "password": "$6$another$hash"})
    assert remote.run("user", {"name": "pwuser", "password": "plain text"}, check=True)["warnings"]
    remote.run("user", {"name": "pwuser", "state": "absent", "remove": True})


ACCOUNT_FAULTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "an option": ("user", {"name": "-rf"}, "bad_name"),
    "another line": ("user", {"name": "a\nroot2"}, "bad_name"),
    "a colon": ("group", {"name": "a:b"}, "bad_name"),
    "an unknown group": ("user", {"name": "eve", "groups": ["nosuchgroup"]}, "no_group"),
    "a taken uid": ("user", {"name": "eve", "uid": 0}, "useradd_failed"),
}


@pytest.mark.parametrize(("module", "args", "code"), ACCOUNT_FAULTS.values(), ids=ACCOUNT_FAULTS.keys())
def test_an_impossible_account_is_refused(remote: Remote, module: str, args: dict[str, Any], code: str) -> None:
    remote.fails(module, args, code)


@pytest.mark.parametrize("module", ["service", "systemd"])
def test_a_service_is_stopped_disabled_and_back(remote: Remote, module: str) -> None:
    look = "systemctl is-active cron; systemctl is-enabled cron"
    remote.converge(module, {"name": "cron", "state": "stopped", "enabled": False}, look)
    assert remote.shell(look).split() == ["inactive", "disabled"]
    done = remote.converge(module, {"name": "cron", "state": "started", "enabled": True}, look)
    assert remote.shell(look).split() == ["active", "enabled"]
    assert done["values"]["status"]["Id"] == "cron.service"
    pid = "systemctl show -p MainPID cron"
    before = remote.shell(pid)
    assert remote.run(module, {"name": "cron", "state": "restarted"})["status"] == "changed"
    assert remote.shell(pid) != before
    remote.fails(module, {"name": "nosuch", "state": "started"}, "no_service", "Could not find the requested service")


def test_a_new_unit_file_is_seen_after_daemon_reload(remote: Remote) -> None:
    unit = "/etc/systemd/system/orchtest.service"
    remote.shell(f"printf '[Service]\\nExecStart=/bin/sleep 1000\\n' > {unit}")
    assert remote.run("systemd", {"daemon_reload": True})["status"] == "ok"
    remote.converge("systemd", {"name": "orchtest", "state": "started"}, "systemctl is-active orchtest")
    remote.shell(f"sed -i s/1000/2000/ {unit}")
    args = {"name": "orchtest", "state": "restarted", "daemon_reload": True}
    assert remote.run("systemd", args)["status"] == "changed"
    assert "2000" in remote.shell("systemctl show -p ExecStart orchtest")
    remote.converge("systemd", {"name": "cron", "masked": True}, "systemctl is-enabled cron")
    remote.fails("systemd", {"name": "cron", "state": "restarted"}, "restart_failed")
    remote.converge("systemd", {"name": "cron", "masked": False, "state": "started"}, "systemctl is-enabled cron")
    remote.shell(f"systemctl stop orchtest; rm {unit}; systemctl daemon-reload")


def test_crontabs_are_kept(remote: Remote) -> None:
    look = "crontab -l; crontab -l -u ops; cat /etc/cron.d/orch"
    remote.shell("printf '# mine \\377\\n1 1 1 1 1 true\\n' | crontab -")
    job = {"name": "a job", "job": "/bin/true", "minute": "5"}
    remote.converge("cron", job, look)
    remote.converge("cron", {**job, "disabled": True}, look)
    remote.converge("cron", {"name": "PATH", "env": True, "job": "/bin"}, look)
    assert remote.shell("crontab -l | od -An -c | tr -d ' \\n'").startswith('PATH="/bin"\\n#mine377\\n')
    remote.converge("cron", {"name": "a job", "state": "absent"}, look)
    remote.converge("cron", {**job, "user": "ops"}, look)
    remote.converge("cron", {**job, "user": "ops", "state": "absent"}, look)
    file = {"name": "x", "cron_file": "orch", "user": "root", "special_time": "daily", "job": "/bin/true"}
    remote.converge("cron", file, look)
    assert remote.shell("cat /etc/cron.d/orch") == "#Ansible: x\n@daily root /bin/true"
    assert remote.shell("stat -c %a /etc/cron.d/orch") == "644"
    remote.converge("cron", {"name": "x", "cron_file": "orch", "state": "absent"}, look)
    remote.shell("crontab -r")


CRON_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no job": ({"name": "x"}, "no_job"), "two lines": ({"name": "x", "job": "a\n* * * * * b"}, "bad_job"),
    "both times": ({"name": "x", "job": "a", "hour": "1", "special_time": "daily"}, "bad_job"),
    "no such user": ({"name": "x", "job": "a", "user": "nosuchuser"}, "crontab"),
    "an option": ({"name": "x", "job": "a", "user": "-r"}, "bad_name"),
    "outside": ({"name": "x", "job": "a", "user": "root", "cron_file": "../passwd"}, "bad_cron_file"),
    "no anchor": ({"name": "X", "job": "a", "env": True, "insertafter": "NOPE"}, "no_anchor"),
}


@pytest.mark.parametrize(("args", "code"), CRON_FAULTS.values(), ids=CRON_FAULTS.keys())
def test_an_impossible_cron_entry_is_refused(remote: Remote, args: dict[str, Any], code: str) -> None:
    remote.fails("cron", args, code)


def test_the_host_name_is_kept(lab_hosts: LabHosts) -> None:
    remote = Remote(lab_hosts(1, fresh=True)[0])
    remote.converge("hostname", {"name": "web1.example.org"}, "uname -n; cat /etc/hostname")
    assert remote.shell("uname -n; cat /etc/hostname").split() == ["web1.example.org"] * 2
    remote.fails("hostname", {"name": "-x"}, "bad_name")


def test_packages_come_stay_and_go(remote: Remote) -> None:
    look = "dpkg-query -W -f '${Package} ${db:Status-Abbrev}\\n' hello tree"
    present = {"name": ["tree", "hello=2.*"], "update_cache": True, "cache_valid_time": 3600}
    remote.run("apt", {"update_cache": True})
    done = remote.converge("apt", present, look)
    assert [part["after"].split()[0::2] for part in done["diff"]] == [["hello", "tree"]]
    remote.unchanged("apt", {"name": "tree>=1.0"})
    remote.unchanged("apt", {"name": ["tree"], "state": "latest"})
    remote.unchanged("apt", {"name": "awk"})  # virtual, and provided
    remote.unchanged("apt", {"name": "nope", "state": "absent"})
    remote.converge("apt", {"name": "tree,hello", "state": "absent", "purge": True}, look)
    remote.converge("package", {"name": "tree", "state": "present"}, look)
    remote.converge("package", {"name": ["tree"], "state": "absent"}, look)


def test_a_package_file_is_installed_once(remote: Remote) -> None:
    remote.run("apt", {"update_cache": True, "cache_valid_time": 3600})
    path = remote.shell("cd /tmp && apt-get -q download hello >/dev/null 2>&1; ls /tmp/hello_*.deb")
    remote.converge("apt", {"deb": path}, "dpkg -l hello | tail -1")
    remote.run("apt", {"name": "hello", "state": "absent", "purge": True})


def test_no_service_starts_under_a_policy(remote: Remote) -> None:
    remote.run("apt", {"update_cache": True, "cache_valid_time": 3600})
    remote.converge("apt", {"name": "nginx-light", "policy_rc_d": 101}, "dpkg -l nginx-light | tail -1")
    assert remote.shell("systemctl is-active nginx; ls /usr/sbin/policy-rc.d 2>&1 | grep -c 'No such'").split() == [
        "inactive", "1"]
    remote.run("apt", {"name": "nginx-light", "state": "absent", "purge": True, "autoremove": True})


APT_FAULTS = {
    "unknown": ({"name": "nosuchpkg"}, "no_package"), "unknown version": ({"name": "tree=99"}, "no_version"),
    "unknown pattern": ({"name": "nosuchpkg*"}, "no_package"), "an option": ({"name": "--purge"}, "bad_package"),
    "no file": ({"deb": "/tmp/nosuch.deb"}, "no_file"), "no package file": ({"deb": "/etc/passwd"}, "bad_deb"),
}


@pytest.mark.parametrize(("args", "code"), APT_FAULTS.values(), ids=APT_FAULTS.keys())
def test_an_impossible_package_is_refused_in_check_mode_too(remote: Remote, args: dict[str, Any], code: str) -> None:
    remote.run("apt", {"update_cache": True, "cache_valid_time": 3600})
    remote.fails("apt", args, code)
    assert remote.run("apt", args, check=True)["error"]["code"] == code


def test_a_repository_out_of_reach_is_a_failure_and_not_a_warning(lab_hosts: LabHosts) -> None:
    remote = Remote(lab_hosts(1, fresh=True)[0])
    remote.shell("echo 'deb http://127.0.0.1:9/debian bookworm main' > /etc/apt/sources.list.d/broken.list")
    remote.fails("apt", {"update_cache": True, "update_cache_retries": 1}, "cache", "Failed to update apt cache")


def test_services_and_packages_of_a_host_are_facts(remote: Remote) -> None:
    services = remote.run("service_facts", {})["values"]["ansible_facts"]["services"]
    assert services["cron.service"] == {"name": "cron.service", "state": "running", "status": "enabled",
                                        "source": "systemd"}
    assert "systemd" in remote.run("package_facts", {})["values"]["ansible_facts"]["packages"]
