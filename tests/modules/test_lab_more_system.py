"""Mounts, time zones, locales, Apache's modules and firewalld's files on a lab host: predicted, done, and done once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.fixtures import LabHosts
from tests.modules.remote import Remote


@pytest.fixture
def remote(lab_hosts: LabHosts) -> Remote:
    return Remote(lab_hosts(1)[0])


def installed(remote: Remote, *packages: str) -> None:
    """Packages for a test; skips, with the reason, where the mirror cannot be reached."""
    done = remote.shell("export DEBIAN_FRONTEND=noninteractive; (apt-get update -qq && apt-get install -y -qq "
                        f"--no-install-recommends {' '.join(packages)}) >/tmp/apt.log 2>&1; "
                        "echo $?; tail -1 /tmp/apt.log")
    if done.split("\n")[0] != "0":
        pytest.skip(f"packages cannot be installed on the lab host: {done[-200:]}")


MOUNT = {"path": "/mnt/a b", "src": "scratch", "fstype": "tmpfs", "opts": "size=1m,mode=0700"}
MOUNT_LOOK = "cat /etc/fstab; grep /mnt /proc/self/mountinfo | cut -d' ' -f5-; ls -A /mnt"


@pytest.fixture
def mounting(remote: Remote) -> Iterator[Remote]:
    remote.shell("cp /etc/fstab /etc/fstab.kept 2>/dev/null || : > /etc/fstab.kept; "
                 "printf '# mine\\nproc /proc proc defaults 0 0' > /etc/fstab")
    yield remote
    remote.shell("umount '/mnt/a b'; rmdir '/mnt/a b'; mv /etc/fstab.kept /etc/fstab")


def test_a_mount_comes_changes_and_goes(mounting: Remote) -> None:
    done = mounting.converge("mount", {**MOUNT, "state": "mounted", "backup": True}, MOUNT_LOOK)
    assert done["values"]["backup_file"].startswith("/etc/fstab.")
    line = r"scratch /mnt/a\040b tmpfs size=1m,mode=0700 0 0"
    assert mounting.shell("cat /etc/fstab").split("\n") == ["# mine", "proc /proc proc defaults 0 0", line]
    assert "tmpfs" in mounting.shell("findmnt -n '/mnt/a b'") and mounting.shell("stat -c %a '/mnt/a b'") == "700"
    mounting.converge("mount", {**MOUNT, "opts": "size=2m", "state": "mounted"}, MOUNT_LOOK)
    assert "size=2048k" in mounting.shell("findmnt -n '/mnt/a b'")
    mounting.converge("mount", {"path": "/mnt/a b", "state": "unmounted"}, MOUNT_LOOK)
    assert "size=2m" in mounting.shell("cat /etc/fstab")
    mounting.converge("mount", {**MOUNT, "opts": "size=2m", "state": "mounted"}, MOUNT_LOOK)
    mounting.converge("mount", {"path": "/mnt/a b", "state": "absent"}, MOUNT_LOOK)
    assert mounting.shell(MOUNT_LOOK).split("\n") == ["# mine", "proc /proc proc defaults 0 0"]


def test_fstab_alone_is_edited_when_asked(mounting: Remote) -> None:
    mounting.converge("mount", {**MOUNT, "state": "present", "boot": False, "opts_no_log": True}, MOUNT_LOOK)
    assert "size=1m,mode=0700,noauto" in mounting.shell("cat /etc/fstab")
    assert mounting.shell("findmnt '/mnt/a b'") == ""
    mounting.converge("mount", {"path": "/mnt/a b", "state": "absent_from_fstab"}, MOUNT_LOOK)


def test_a_mount_without_fstab_lasts_until_unmounted(mounting: Remote) -> None:
    before = mounting.shell("cat /etc/fstab")
    for _ in range(2):  # documented: the second one remounts, and says so
        assert mounting.run("mount", {**MOUNT, "state": "ephemeral"})["status"] == "changed"
    assert mounting.run("mount", {"path": MOUNT["path"], "state": "remounted", "opts": "ro"})["status"] == "changed"
    assert " ro," in mounting.shell("findmnt -n '/mnt/a b'") and mounting.shell("cat /etc/fstab") == before
    mounting.fails("mount", {**MOUNT, "src": "other", "state": "ephemeral"}, "other_source", "different source")


def test_a_line_that_cannot_be_mounted_does_not_stay(mounting: Remote) -> None:
    before = mounting.shell("cat /etc/fstab")
    mounting.fails("mount", {**MOUNT, "src": "/dev/nosuch", "fstype": "ext4", "state": "mounted"}, "mount_failed",
                   "Error mounting /mnt/a b")
    assert mounting.shell("cat /etc/fstab") == before


def test_the_time_zone_is_kept(remote: Remote) -> None:
    installed(remote, "tzdata")
    look = "ls -l /etc/localtime; cat /etc/timezone /etc/adjtime"
    remote.run("timezone", {"name": "Etc/UTC", "hwclock": "UTC"})
    done = remote.converge("timezone", {"name": "Asia/Tokyo"}, look)
    assert done["diff"][0]["after"] == {"name": "Asia/Tokyo"}
    assert remote.shell("date +%Z; cat /etc/timezone").split() == ["JST", "Asia/Tokyo"]
    remote.converge("timezone", {"hwclock": "local", "name": "Etc/UTC"}, look)
    remote.fails("timezone", {"name": "Mars/Olympus"}, "no_zone", "not available")
    remote.fails("timezone", {"name": "../../etc/passwd"}, "no_zone")


def test_locales_are_kept(remote: Remote) -> None:
    if remote.shell("ls /etc/locale.gen 2>/dev/null") == "":
        remote.fails("locale_gen", {"name": "de_CH.UTF-8"}, "no_locales", "locales")
    installed(remote, "locales")
    look = "grep -v '^#' /etc/locale.gen; locale -a"
    done = remote.converge("locale_gen", {"name": ["de_CH.UTF-8", "nl_NL.UTF-8"]}, look)
    assert done["values"]["mechanism"] == "glibc" and "de_CH.utf8" in remote.shell("locale -a")
    remote.converge("locale_gen", {"name": "nl_NL.UTF-8", "state": "absent"}, look)
    assert "nl_NL" not in remote.shell(look)
    remote.fails("locale_gen", {"name": "xx_YY.UTF-8"}, "unknown_locale", "xx_YY.UTF-8")


def test_apaches_modules_are_kept(remote: Remote) -> None:
    if remote.shell("command -v a2enmod") == "":
        remote.fails("apache2_module", {"name": "rewrite"}, "no_a2enmod")
    installed(remote, "apache2")
    look = "ls /etc/apache2/mods-enabled"
    done = remote.converge("apache2_module", {"name": "rewrite"}, look)
    assert done["values"]["result"] == "Module rewrite enabled"
    remote.converge("apache2_module", {"name": "rewrite", "state": "absent"}, look)
    remote.converge("apache2_module", {"name": "autoindex", "state": "absent", "force": True}, look)
    remote.fails("apache2_module", {"name": "nosuchmodule"}, "apache2_failed", "does not exist")


OFFLINE: dict[str, Any] = {"permanent": True, "offline": True}
# firewall-offline-cmd takes a second, and each setting asks it eight times: some stand for all
SETTINGS: dict[str, dict[str, Any]] = {
    "zone of one's own": {"zone": "dmz", "service": "http"}, "masquerade": {"masquerade": True},
    "rich rule": {"rich_rule": 'rule service name="ftp" accept'},
    "forward": {"port_forward": [{"port": "443", "proto": "tcp", "toport": "8443"}]},
}


def test_firewalld_is_kept_where_it_does_not_run(remote: Remote) -> None:
    if remote.shell("command -v firewall-cmd") == "":
        remote.fails("firewalld", {"service": "https", "state": "enabled"}, "no_firewalld")
    installed(remote, "firewalld", "netbase")
    remote.shell("systemctl disable --now firewalld")
    look = "cat /etc/firewalld/zones/*"
    for setting in SETTINGS.values():
        remote.converge("firewalld", {**setting, "state": "enabled", **OFFLINE}, look)
        remote.converge("firewalld", {**setting, "state": "disabled", **OFFLINE}, look)
    remote.converge("firewalld", {"zone": "mine", "state": "present", **OFFLINE}, look)
    remote.converge("firewalld", {"zone": "mine", "target": "DROP", "state": "present", **OFFLINE}, look)
    remote.converge("firewalld", {"zone": "mine", "state": "absent", **OFFLINE}, look)
    remote.fails("firewalld", {"service": "https", "state": "enabled", "immediate": True}, "not_running")
    remote.fails("firewalld", {"service": "nosuchservice", "state": "enabled", **OFFLINE}, "firewalld_failed")


@pytest.mark.parametrize(("args", "says"), [
    ({"port": "8081", "state": "enabled"}, "improper port format"), ({"state": "enabled"}, "no setting was given"),
    ({"service": "http", "state": "present"}, "only be used in zone level"),
    ({"zone": "x", "state": "present"}, "must be permanent"),
], ids=["port", "nothing", "present", "zone"])
def test_an_impossible_firewalld_setting_is_refused(remote: Remote, args: dict[str, Any], says: str) -> None:
    remote.fails("firewalld", args, "bad_arguments", says)


@pytest.mark.parametrize(("module", "args", "code"), [
    ("seboolean", {"name": "httpd_can_network_connect", "state": True}, "no_selinux"),
    ("seboolean", {"name": "x", "state": True, "ignore_selinux_state": True}, "no_tools"),
    ("seport", {"ports": "8888", "proto": "tcp", "setype": "http_port_t"}, "no_selinux"),
    ("seport", {"ports": "88x", "proto": "tcp", "setype": "http_port_t"}, "bad_arguments"),
    ("seport", {"ports": "1", "proto": "tcp", "setype": "t", "ignore_selinux_state": True}, "no_tools"),
    ("selinux", {"state": "enforcing", "policy": "targeted"}, "no_path"),
], ids=["boolean", "no setsebool", "port", "bad port", "no semanage", "mode"])
def test_selinux_that_is_not_there_is_told(remote: Remote, module: str, args: dict[str, Any], code: str) -> None:
    remote.fails(module, args, code)


def test_the_configured_mode_of_selinux_is_kept(remote: Remote) -> None:
    remote.shell("mkdir -p /tmp/se/targeted; "
                 "printf '# x\\nSELINUX=disabled\\n# y\\nSELINUXTYPE=default\\n' > /tmp/se/config")
    args = {"configfile": "/tmp/se/config", "state": "permissive", "policy": "targeted"}
    values = remote.converge("selinux", args, "cat /tmp/se/config")["values"]
    lines = remote.shell("cat /tmp/se/config").split("\n")
    assert lines == ["# x", "SELINUX=permissive", "# y", "SELINUXTYPE=targeted"]
    assert "Config SELinux state changed from 'disabled' to 'permissive'" in values["msg"] and values["reboot_required"]
    remote.converge("selinux", {"configfile": "/tmp/se/config", "state": "disabled"}, "cat /tmp/se/config")
    remote.fails("selinux", {**args, "policy": "mls"}, "no_policy", "Policy mls does not exist")
